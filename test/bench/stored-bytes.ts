import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLmdbLog } from '../../src/event-store/lmdb/log.ts';
import { appendSingly, type Contender, coreBytes, payloadBytes, prepare } from './contender.ts';
import { optionsOf, printTable, type Row, times } from './measure.ts';

/** Pages in use against the bytes of cores and payloads. */
export async function storedBytes(args: readonly string[]): Promise<void> {
  const { scale } = optionsOf(args);
  const rows: Row[] = [];
  for (const inFlight of [1, 64, 512]) {
    const events = Math.round((inFlight === 1 ? 3_000 : 50_000) * scale);
    const directory = mkdtempSync(join(tmpdir(), 'runledger-bench-'));
    const log = await openLmdbLog({ directory });
    const append: Contender['append'] = (stream, batch, first) =>
      log.append(stream, batch, first === 0 ? 'noStream' : first - 1);
    await appendSingly({ append, close: () => log.close() }, prepare(events), inFlight);
    const given = events * (coreBytes + payloadBytes);
    const { usedBytes } = log.size();
    const fileBytes = statSync(join(directory, 'data.mdb')).size;
    await log.close();
    rmSync(directory, { recursive: true });
    rows.push([
      `pages in use, ${events} events, ${inFlight} in flight`,
      `${given}`,
      `${usedBytes}`,
      times(usedBytes / given),
      times(1.6),
    ]);
    rows.push([
      '  the file with what is free in it',
      `${given}`,
      `${fileBytes}`,
      times(fileBytes / given),
      '',
    ]);
  }
  printTable('stored bytes; baseline core + payload', rows);
}

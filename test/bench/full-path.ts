import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLmdbLog } from '../../src/event-store/lmdb/log.ts';
import { postedItem, runItem } from '../../src/http/recording.ts';
import { openKeyring } from '../../src/keyring/keyring.ts';
import { createIds } from '../../src/run/randomness.ts';
import { createRecorder } from '../../src/run/recorder.ts';
import { postedItems } from './items.ts';
import { interleaved, optionsOf, perSecond, printTable, times } from './measure.ts';

const inFlight = 64;

/** Parsed item → zod, canonical, sealed, hashed, chained, durable; projections off; 64 in flight over 64 runs. */
export async function fullPath(args: readonly string[]): Promise<void> {
  const { repetitions, scale } = optionsOf(args);
  const items = postedItems(Math.round(12_800 * scale));
  const directory = mkdtempSync(join(tmpdir(), 'runledger-bench-'));
  const store = await openLmdbLog({ directory: join(directory, 'log') });
  const keys = await openKeyring(join(directory, 'keys'));
  const recorder = createRecorder({ store, keys, clock: Date.now, newId: createIds() });
  let round = 0;

  const ours = async (): Promise<number> => {
    round += 1;
    const started = performance.now();
    let next = 0;
    const writer = async (index: number): Promise<void> => {
      const executionId = `bench-${round}-${index}`;
      for (let run: 'new' | 'existing' = 'new'; ; run = 'existing') {
        const item = items[next++];
        if (item === undefined) return;
        const posted = runItem(postedItem.parse(item), '');
        await recorder.record({ executionId, by: 'foreign', run, items: [posted] });
      }
    };
    await Promise.all(Array.from({ length: inFlight }, (_, index) => writer(index)));
    return (items.length / (performance.now() - started)) * 1000;
  };
  const baseline = async (): Promise<number> => {
    const started = performance.now();
    let kept = 0;
    for (const item of items) {
      const text = JSON.stringify(item);
      kept +=
        createHash('sha256').update(text).digest().length + createHash('sha256').update(text).digest().length;
    }
    if (kept === 0) throw new Error('nothing was hashed');
    return (items.length / (performance.now() - started)) * 1000;
  };

  const [base = 0, figure = 0] = await interleaved(repetitions, [baseline, ours]);
  printTable(
    `full path, durable, ${inFlight} in flight; baseline JSON.stringify and two SHA-256; median of ${repetitions}`,
    [['full path', perSecond(base), perSecond(figure), times(figure / base), times(0.17)]],
  );
  await store.close();
  await keys.close();
  rmSync(directory, { recursive: true });
}

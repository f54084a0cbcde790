/**
 * A process that lives for one export: `node export-process.js <row> ours|baseline|service` prints an ExportFigures as
 * JSON. One process each, because what a process once had at its peak it never gives back. `service` is what the service
 * does: a heavy exporter runs in a render process, and the figures are of the one that waits for it.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { openRenderer } from '../../src/service/renderer.ts';
import { writeReplay } from '../../src/service/replay-file.ts';
import { exportRows, type ExportRow, generatedReplay } from './export-rows.ts';

export type ExportFigures = {
  readonly milliseconds: number;
  readonly bytes: number;
  /** Resident memory at its peak, beyond what the process had before. */
  readonly peakMebibytes: number;
  /** The whole of it. */
  readonly residentMebibytes: number;
  /** The longest time in which the event loop did nothing else, in milliseconds. */
  readonly longestBlock: number;
};

const [index, contender] = process.argv.slice(2);
const row = exportRows[Number(index)];
if (row === undefined) throw new Error('no such row');

const directory = await mkdtemp(join(tmpdir(), 'runledger-bench-export-'));
const renderer = openRenderer();

// Compiles what a service that runs for longer has compiled.
await write(row, generatedReplay(30));
await setTimeout(100);

const peakKibibytes = (): number => process.resourceUsage().maxRSS;
const before = peakKibibytes();
const delays = monitorEventLoopDelay({ resolution: 1 });
delays.enable();
// The monitor counts from its first tick.
await setTimeout(10);
const began = performance.now();
const bytes = await write(row, generatedReplay(row.items));
const milliseconds = performance.now() - began;
// The monitor learns of a block with its next tick.
await setTimeout(10);
delays.disable();
const figures: ExportFigures = {
  milliseconds,
  bytes,
  peakMebibytes: (peakKibibytes() - before) / 1024,
  residentMebibytes: peakKibibytes() / 1024,
  longestBlock: delays.max / 1e6,
};
console.log(JSON.stringify(figures));
await renderer.close();
await rm(directory, { recursive: true });

async function write(
  { exporter, baseline }: ExportRow,
  replay: ReturnType<typeof generatedReplay>,
): Promise<number> {
  if (contender === 'baseline' && baseline !== undefined) return (await baseline(replay)).byteLength;
  if (contender === 'service') return renderApart(exporter.format, replay);
  let length = 0;
  for await (const chunk of exporter.export(replay, new AbortController().signal)) length += chunk.byteLength;
  return length;
}

async function renderApart(format: string, replay: ReturnType<typeof generatedReplay>): Promise<number> {
  const { signal } = new AbortController();
  const replayFile = join(directory, `${replay.header.items_count}.replay`);
  await writeReplay(replayFile, replay, signal);
  const outFile = `${replayFile}.out`;
  const written = await renderer.render({ format, replayFile, mediaDirectory: directory, outFile }, signal);
  await rm(replayFile);
  await rm(outFile);
  return written.sizeBytes;
}

/**
 * A process that lives for one export: `node export-process.js <row> ours|baseline` prints an ExportFigures as JSON. One
 * process each, because what a process once had at its peak it never gives back.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import { exportRows, type ExportRow, generatedReplay } from './export-rows.ts';

export type ExportFigures = {
  readonly milliseconds: number;
  readonly bytes: number;
  /** Resident memory at its peak, beyond what the process had before. */
  readonly peakMebibytes: number;
  /** The longest time in which the event loop did nothing else, in milliseconds. */
  readonly longestBlock: number;
};

const [index, contender] = process.argv.slice(2);
const row = exportRows[Number(index)];
if (row === undefined) throw new Error('no such row');

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
  longestBlock: delays.max / 1e6,
};
console.log(JSON.stringify(figures));

async function write(
  { exporter, baseline }: ExportRow,
  replay: ReturnType<typeof generatedReplay>,
): Promise<number> {
  if (contender === 'baseline' && baseline !== undefined) return (await baseline(replay)).byteLength;
  let length = 0;
  for await (const chunk of exporter.export(replay, new AbortController().signal)) length += chunk.byteLength;
  return length;
}

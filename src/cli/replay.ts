import { open, rm } from 'node:fs/promises';
import { once } from 'node:events';
import { visibleText } from '../exporters/visible-text.ts';
import type { ExecutionItem } from '../events/item.ts';
import { secondsBetween } from '../events/time.ts';
import type { ExecutionRecord } from '../run/record.ts';
import type { Client } from './client.ts';
import { refuseExisting } from './download.ts';
import { exitCodes } from './exit-codes.ts';
import { jsonOf } from './output.ts';

/** Where a run is replayed to, and how fast. */
export type ReplayOptions = {
  /** `terminal` for people, `stream` for programs; anything else is the path of a new file. */
  readonly to: string;
  /** So many times as fast as it was; `max` is without pauses. */
  readonly speed: number | 'max';
};

export type ReplayParts = {
  readonly write: (text: string) => void | Promise<void>;
  /** Waits; rejects with the signal's reason once aborted. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<unknown>;
};

/** Reads the run that is to be replayed, as it is or as it stood after an item. */
export async function runToReplay(
  client: Client,
  id: string,
  atSeq: string | undefined,
): Promise<ExecutionRecord> {
  const query = atSeq === undefined ? '' : `?${new URLSearchParams({ at_seq: atSeq }).toString()}`;
  return jsonOf(
    await client.request('GET', `/api/runs/${encodeURIComponent(id)}${query}`),
  ) as ExecutionRecord;
}

/**
 * Tells a run again, item by item, in the order in which it was recorded and with the pauses that were between them; a
 * clock that went back makes no pause. Ends early, without an error, once the signal aborts.
 */
export async function emitRun(
  { items }: Pick<ExecutionRecord, 'items'>,
  { to, speed }: ReplayOptions,
  { write, pause }: ReplayParts,
  signal: AbortSignal,
): Promise<void> {
  let last: ExecutionItem | undefined;
  for (const item of items) {
    const seconds = last === undefined ? 0 : secondsBetween(last.timestamp, item.timestamp);
    const ms = speed === 'max' ? 0 : Math.min((seconds * 1_000) / speed, longestPauseMs);
    if (ms > 0) await pause(ms, signal).catch(unlessAborted(signal));
    if (signal.aborted) return;
    await write(to === 'terminal' ? told(item) : `${JSON.stringify(item)}\n`);
    last = item;
  }
}

/** What a timer of Node takes; 24 days. */
const longestPauseMs = 2 ** 31 - 1;

const unlessAborted =
  (signal: AbortSignal) =>
  (error: unknown): void => {
    if (!signal.aborted) throw error;
  };

/** `runledger replay`: to standard output, or into a new file that is there whole or not at all. */
export async function replayRun(
  record: ExecutionRecord,
  options: ReplayOptions,
  pause: ReplayParts['pause'],
  signal: AbortSignal,
): Promise<number> {
  if (options.to !== 'terminal' && options.to !== 'stream') return replayToFile(record, options.to, signal);
  const gone = new AbortController();
  // Whoever reads no further wants no more: without this the pauses would go on for nobody.
  process.stdout.once('error', () => gone.abort());
  const write = async (text: string): Promise<void> => {
    if (!process.stdout.write(text)) await once(process.stdout, 'drain', { signal: gone.signal });
  };
  const ends = AbortSignal.any([signal, gone.signal]);
  await emitRun(record, options, { write, pause }, ends).catch(unlessAborted(ends));
  return signal.aborted ? exitCodes.interrupted : exitCodes.done;
}

/** A file has no time: it is written without pauses. */
async function replayToFile(record: ExecutionRecord, path: string, signal: AbortSignal): Promise<number> {
  await refuseExisting(path);
  const file = await open(path, 'wx', 0o600);
  let isWhole = false;
  try {
    const write = (text: string): Promise<void> => file.writeFile(text);
    await emitRun(record, { to: path, speed: 'max' }, { write, pause: async () => undefined }, signal);
    await file.sync();
    isWhole = !signal.aborted;
  } finally {
    await file.close();
    if (!isWhole) await rm(path, { force: true });
  }
  return isWhole ? exitCodes.done : exitCodes.interrupted;
}

/** One item for a person: when, what, of which output, by which model, and its text. */
function told(item: ExecutionItem): string {
  const { sequence_number: seq, timestamp, item_type: type, loop_iteration: loop, model_used: model } = item;
  const head = [timestamp, `${seq}`.padStart(3), type, loop === null ? '' : `#${loop}`, model ?? '']
    .filter((part) => part !== '')
    .join('  ');
  const text = visibleText(item.content ?? item.file_path ?? '');
  return text === '' ? `${head}\n` : `${head}\n${text.replaceAll(/^/gm, '      ')}\n`;
}

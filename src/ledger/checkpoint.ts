import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { hashBytes } from './node-hash.ts';
import { strictBase64 } from './strict-base64.ts';

/** What a log says of itself at one moment (C2SP tlog-checkpoint): the text of a signed note. */
export type Checkpoint = {
  /** Names the log for ever; ours is also the name of its key. */
  readonly origin: string;
  /** Leaves of the tree. */
  readonly size: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
  /** Lines that other logs may add. We never write any, keep those that we read, and give them no meaning. */
  readonly extensions: readonly string[];
};

/** `origin ⏎ size ⏎ base64(root) ⏎`, then the extension lines. */
export function checkpointText({ origin, size, root, extensions }: Checkpoint): string {
  assert(Number.isSafeInteger(size) && size >= 0 && root.length === hashBytes);
  const lines = [origin, String(size), Buffer.from(root).toString('base64'), ...extensions];
  assert(lines.every((line) => line !== '' && !line.includes('\n')));
  return `${lines.join('\n')}\n`;
}

/** Undefined for anything that is no checkpoint, such as a size with a leading zero or beyond 2^53 − 1, or an empty line. */
export function parseCheckpoint(text: string): Checkpoint | undefined {
  if (!text.endsWith('\n')) return undefined;
  const [origin = '', decimal = '', encoded = '', ...extensions] = text.slice(0, -1).split('\n');
  if (origin === '' || !/^(0|[1-9]\d*)$/.test(decimal) || extensions.includes('')) return undefined;
  const size = Number(decimal);
  const root = strictBase64(encoded);
  if (!Number.isSafeInteger(size) || root?.length !== hashBytes) return undefined;
  return { origin, size, root, extensions };
}

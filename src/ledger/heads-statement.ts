import { Buffer } from 'node:buffer';
import { digestInHex } from './bundle-patterns.ts';
import { ledgerStream } from './ledger-stream.ts';
import type { ProvenCore } from './proven-core.ts';
import { runHeadLeaf } from './run-head.ts';

/** What the log says of the last events of all runs. */
export type HeadsStatement = {
  /** How many runs had begun. */
  readonly runs: number;
  /** 32 bytes: the root of the tree over the heads of these runs. */
  readonly root: Buffer;
};

/** The statement that an event of the ledger's own stream makes; undefined for any other event. */
export function headsStatement({ stream, type, facts }: ProvenCore): HeadsStatement | undefined {
  const { runs, root } = facts;
  if (stream !== ledgerStream || type !== 'run_heads_recorded') return undefined;
  if (!Number.isSafeInteger(runs)) return undefined;
  if (typeof root !== 'string' || !digestInHex.test(root)) return undefined;
  return { runs: runs as number, root: Buffer.from(root, 'hex') };
}

const prefix = 'run-';

/** The leaf of a run in the tree of run heads; undefined for the stream of something else. */
export function headLeaf(stream: string, seq: number, head: Buffer): Buffer | undefined {
  if (!stream.startsWith(prefix)) return undefined;
  return runHeadLeaf({ run: stream.slice(prefix.length), seq, head: head.toString('base64') });
}

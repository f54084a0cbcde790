import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { outcomeStatus } from '../../src/ledger/verdict.ts';
import { type Known, verifyBundle } from '../../src/ledger/verify.ts';

/** A file to be checked, and what is known beside it. */
export type Task = { readonly bytes: Uint8Array; readonly known: Known };

const script = join(import.meta.dirname, 'verify.py');
const programs = ['python3', 'openssl'];

/** What the second verifier needs and this machine has not. */
export const lacking: readonly string[] = programs.filter(
  (program) => spawnSync(program, ['version']).error !== undefined,
);

/** The exit status that the first verifier gives each file. */
export const firstStatuses = (tasks: readonly Task[]): readonly number[] =>
  tasks.map(({ bytes, known }) => outcomeStatus[verifyBundle(bytes, known).outcome]);

/** The exit status that the second verifier, in Python, gives each file; one process for all. */
export function secondStatuses(tasks: readonly Task[]): readonly number[] {
  const lines = tasks.map(({ bytes, known }) =>
    JSON.stringify({
      bundle: Buffer.from(bytes).toString('base64'),
      keys: known.keys,
      media: Object.fromEntries(known.media),
    }),
  );
  const { status, stdout, stderr } = spawnSync('python3', [script, '--batch'], {
    input: `${lines.join('\n')}\n`,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`verify.py ended with ${status}: ${stderr}`);
  return stdout.trim().split('\n').map(Number);
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { compiled, environmentOf } from '../crash/service-process.ts';

/** What a command said and how it ended. */
export type Told = { readonly status: number | null; readonly out: string; readonly err: string };

/** Runs the compiled command line on a data directory, as a process of its own without a terminal. */
export async function runledger(
  directory: string,
  args: readonly string[],
  settings: Readonly<Record<string, string>> = {},
): Promise<Told> {
  const child = spawn(process.execPath, [compiled('cli'), ...args], {
    env: environmentOf(directory, settings),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exit = once(child, 'exit') as Promise<[number | null]>;
  const [out, err, [status]] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
  return { status, out, err };
}

/** The data that a command printed; throws with its complaint where it did not end well. */
export async function runledgerJson(
  directory: string,
  ...args: readonly string[]
): Promise<Record<string, unknown>> {
  const { status, out, err } = await runledger(directory, [...args, '--json']);
  if (status !== 0) throw new Error(`runledger ${args.join(' ')} ended with ${status}: ${err}`);
  return JSON.parse(out) as Record<string, unknown>;
}

export type DataDirectory = {
  readonly path: string;
  /** A path in the same place, outside the data directory. */
  readonly beside: (name: string) => string;
  readonly remove: () => void;
};

const roots = new Set<string>();
afterAll(() => {
  for (const root of roots) rmSync(root, { recursive: true, force: true });
});

/** A data directory of its own, with room beside it; it goes with the test file where a test that failed did not remove it. */
export function newDataDirectory(): DataDirectory {
  const root = mkdtempSync(join(tmpdir(), 'runledger-process-'));
  roots.add(root);
  const path = join(root, 'data');
  mkdirSync(path);
  return {
    path,
    beside: (name) => join(root, name),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

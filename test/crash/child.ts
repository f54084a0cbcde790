import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export type Child = {
  readonly process: ChildProcessWithoutNullStreams;
  /** What it prints; ends when it does. */
  readonly lines: AsyncIterableIterator<string>;
  /** The next line, or null after the last. */
  readonly line: () => Promise<string | null>;
  /** Resolves to its exit code, null where a signal ended it. */
  readonly exited: Promise<number | null>;
};

/** The compiled program of this folder with that name: also tests run children from dist/. */
export function program(name: string): string {
  const folder = import.meta.url.endsWith('.ts') ? '../../dist/test/crash/' : './';
  return fileURLToPath(new URL(`${folder}${name}.js`, import.meta.url));
}

/** Starts a command with pipes; what it complains about goes where our own complaints go. */
export function startCommand(command: string, args: readonly string[]): Child {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  // lmdb prints commit errors that the tests provoke; only a child that fails on its own account is worth reading.
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint += text;
  });
  const exited = (async () => {
    const [code] = (await once(child, 'exit')) as [number | null];
    if (code !== 0 && code !== null) process.stderr.write(complaint);
    return code;
  })();
  // A child that was killed does not read its input any more.
  child.stdin.on('error', () => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async () => {
    const { done, value } = await lines.next();
    return done === true ? null : value;
  };
  return { process: child, lines, line, exited };
}

export function startProgram(name: string, args: readonly string[]): Child {
  return startCommand(process.execPath, [program(name), ...args]);
}

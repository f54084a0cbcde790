import { type ChildProcess, spawn } from 'node:child_process';
import { on, once } from 'node:events';
import { watch } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { settingsOf } from '../store-under-test.ts';
import { addressFile, readServiceAddress } from '../../src/service/address.ts';

export type ServiceProcess = {
  readonly url: string;
  readonly process: ChildProcess;
  /** Resolves to its exit code, or to the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals>;
};

/** A compiled program of the product, such as `main` or `cli`. */
export function compiled(name: string): string {
  return built(`src/${name}.js`);
}

/** A compiled file, whether this one is compiled or not. */
export function built(path: string): string {
  const folder = import.meta.url.endsWith('.ts') ? '../../dist/' : '../../';
  return fileURLToPath(new URL(`${folder}${path}`, import.meta.url));
}

/** The environment of a child: of ours only what every program needs. */
export function environmentOf(
  directory: string,
  settings: Readonly<Record<string, string>> = {},
): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '', ...settingsOf(directory, settings) };
}

/** A program and its arguments. */
export type Program = readonly [file: string, ...args: string[]];

/**
 * Starts the compiled service, or another program that serves, on a data directory and a free port, and waits until it
 * listens. `shell` is a shell command that runs before it, in the same process.
 */
export async function startServiceProcess(
  directory: string,
  settings: Readonly<Record<string, string>> = {},
  shell = ':',
  program: Program = [compiled('main')],
): Promise<ServiceProcess> {
  // Its input ends with us, however we end: a test that fails must not leave a service behind.
  const guard = '(cat; kill -KILL $$) <&0 >/dev/null 2>&1 &';
  const command = `${guard} ${shell}; exec "${[process.execPath, ...program].join('" "')}" </dev/null`;
  // Before the child begins, so that no change can be missed.
  const watcher = watch(directory);
  const changes = on(watcher, 'change', { close: ['close'] });
  const child = spawn('bash', ['-c', command], {
    env: environmentOf(directory, { RUNLEDGER_PORT: '0', RUNLEDGER_LOG_LEVEL: 'fatal', ...settings }),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  child.once('exit', () => child.stdin.destroy());
  // When all that it said was read, too.
  const exited = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
  const listening = async (): Promise<string> => {
    for await (const [, file] of changes) {
      const address = file === addressFile ? await readServiceAddress(directory, child.pid ?? 0) : undefined;
      if (address !== undefined) return address.url;
    }
    throw new Error('The data directory is not watched any more');
  };
  try {
    const url = await Promise.race([
      listening(),
      exited.then((how) => {
        throw new Error(`The service ended with ${how} before it listened: ${said}`);
      }),
    ]);
    return { url, process: child, exited };
  } finally {
    watcher.close();
  }
}

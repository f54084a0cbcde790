import { once } from 'node:events';
import { readFile, watch } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { spawn, type ChildProcess } from 'node:child_process';
import { serviceAddress, serviceFile } from '../../src/cli/client.ts';

export type ServiceProcess = {
  readonly url: string;
  readonly process: ChildProcess;
  /** Resolves to its exit code, or to the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals>;
};

/** Starts the compiled service on a data directory and a free port, and waits until it listens. */
export async function startServiceProcess(directory: string): Promise<ServiceProcess> {
  const main = import.meta.url.endsWith('.ts') ? '../../dist/src/main.js' : '../../src/main.js';
  const child = spawn(process.execPath, [fileURLToPath(new URL(main, import.meta.url))], {
    env: {
      PATH: process.env['PATH'],
      RUNLEDGER_DATA: directory,
      RUNLEDGER_PORT: '0',
      RUNLEDGER_LOG_LEVEL: 'warn',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let complaints = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    complaints += text;
  });
  const exited = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
  const url = await Promise.race([
    listening(directory, child.pid ?? 0),
    exited.then((how) => {
      throw new Error(`The service ended with ${how} before it listened: ${complaints}`);
    }),
  ]);
  return { url, process: child, exited };
}

/** The address file of that very process: one that a killed service left is not an answer. */
async function listening(directory: string, pid: number): Promise<string> {
  const stop = new AbortController();
  const changes = watch(directory, { signal: stop.signal });
  try {
    const before = await addressOf(directory, pid);
    if (before !== undefined) return before;
    for await (const { filename } of changes) {
      if (filename !== serviceFile) continue;
      const url = await addressOf(directory, pid);
      if (url !== undefined) return url;
    }
    throw new Error('The data directory is not watched any more');
  } finally {
    stop.abort();
  }
}

async function addressOf(directory: string, pid: number): Promise<string | undefined> {
  try {
    const address = serviceAddress.parse(JSON.parse(await readFile(join(directory, serviceFile), 'utf8')));
    return address.pid === pid ? address.url : undefined;
  } catch {
    // Not there, or not whole yet: the next change tells.
    return undefined;
  }
}

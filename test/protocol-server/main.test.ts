import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { expect, onTestFinished, test } from 'vitest';
import { exactly, idsOf, someEvents } from './a-client.ts';
import { clientOf, freshDirectory } from './running.ts';

const program = resolve(import.meta.dirname, '../../dist/test/protocol-server/main.js');

async function started(directory: string) {
  const child: ChildProcessByStdio<Writable, Readable, null> = spawn(process.execPath, [program, directory], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const [line] = await once(child.stdout, 'data');
  const { url } = JSON.parse(String(line)) as { url: string };
  return { child, url };
}

test('the program says where it is, keeps what it acknowledged when killed, and ends on SIGTERM and with its parent', async () => {
  const directory = await freshDirectory();
  const first = await started(directory);
  const events = someEvents(3);
  await clientOf(first.url).appendToStream('run-a', events, exactly('no_stream'));
  first.child.kill('SIGKILL');
  await once(first.child, 'exit');
  for (const end of ['SIGTERM', 'parent'] as const) {
    const next = await started(directory);
    expect(await idsOf(clientOf(next.url).readAll())).toEqual(events.map(({ id }) => id));
    const exited = once(next.child, 'exit');
    if (end === 'SIGTERM') next.child.kill('SIGTERM');
    else next.child.stdin.end();
    expect(await exited).toEqual([0, null]);
  }
});

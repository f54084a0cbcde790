import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { exactly, idsOf, someEvents } from './a-client.ts';
import { clientOf, freshDirectory, runningServer } from './running.ts';

async function runningTlsServer(users?: Readonly<Record<string, string>>) {
  const folder = await freshDirectory();
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  execFileSync('openssl', ['req', '-x509', ...curve, '-keyout', key, '-out', cert, ...subject], {
    stdio: 'ignore',
  });
  const tls = { key: readFileSync(key), cert: readFileSync(cert) };
  const { server } = await runningServer({ tls, ...(users && { users }) });
  return { server, url: `${server.url}&tlsCAFile=${cert}` };
}

test('over TLS the server sees whether an append had credentials', async () => {
  const { server, url } = await runningTlsServer();
  expect(server.calls.lastAppend()).toBeNull();
  await clientOf(url).appendToStream('run-a', someEvents(1), exactly('any'));
  expect(server.calls.lastAppend()).toMatchObject({ hadCredentials: true, requiredLeader: true });
  expect(server.calls.count('features')).toBe(0);
});

test('a known user is served; a wrong password, an unknown user and nobody are not', async () => {
  const { url } = await runningTlsServer({ ada: 'secret' });
  const as = (who: string) => clientOf(url.replace('esdb://', `esdb://${who}`));
  const known = as('ada:secret@');
  await known.appendToStream('run-a', someEvents(1), {
    ...exactly('any'),
    credentials: { username: 'ada', password: 'secret' },
  });
  expect(await idsOf(known.readAll())).toHaveLength(1);
  for (const who of ['ada:wrong@', 'eve:secret@', '']) {
    await expect(idsOf(as(who).readAll())).rejects.toMatchObject({ type: 'access-denied', code: 16 });
  }
});

test('an append without credentials takes the batch call, which is counted and refused', async () => {
  const { server, client } = await runningServer();
  await expect(client.appendToStream('run-a', someEvents(1))).rejects.toThrow(
    'pass credentials with each append',
  );
  expect(server.calls.count('batchAppend')).toBe(1);
  expect(server.calls.count('features')).toBe(1);
});

test.each(['features', 'gossip'] as const)('%s can fail', async (method) => {
  const { server } = await runningServer();
  const fault = server.faults.inject(method, { kind: 'unavailable' }, 1);
  const hosts = `127.0.0.1:${server.port},127.0.0.1:${server.port}`;
  const client = clientOf(`esdb://${hosts}?tls=false&discoveryInterval=1`);
  const first = client.appendToStream('run-a', someEvents(1)).catch((error: unknown) => error);
  await fault.struck();
  expect(await first).toBeInstanceOf(Error);
  expect(server.calls.count('gossip')).toBe(method === 'gossip' ? 2 : 1);
});

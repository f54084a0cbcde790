import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { newDataDirectory, runledgerJson } from '../cli/command.ts';
import { crashService } from '../crash/service-crash.ts';
import { startServiceProcess } from '../crash/service-process.ts';
import { startLedgerService } from '../http/ledger-service.ts';
import { ask } from './rest.ts';

const seed = Number(process.env['RUNLEDGER_CRASH_SEED'] ?? Date.now() % 1_000_000);

describe('SIGTERM', () => {
  test(`under load ends the service with status 0, and nothing acknowledged is lost (seed ${seed})`, async () => {
    const { points, acknowledged } = await crashService(3, seed, 'SIGTERM');
    expect(points).toBe(3);
    expect(acknowledged).toBeGreaterThan(0);
  });

  test('every run that is under way is finished and answered', async () => {
    const data = newDataDirectory();
    const service = await startServiceProcess(data.path);
    const count = 20;
    const answers = Array.from({ length: count }, (_, index) =>
      ask(service.url, '/api/schema/pipeline/execute', { schema: 'dada', input_text: `Ein Fluss ${index}` }),
    );
    // Every request is in the service once its run is there.
    for (;;) {
      const { json } = await ask(service.url, '/api/runs?limit=1');
      if (json['total'] === count) break;
    }
    service.process.kill('SIGTERM');
    for (const { status } of await Promise.all(answers)) expect(status).toBe(200);
    expect(await service.exited).toBe(0);
    expect((await runledgerJson(data.path, 'list', '--status', 'completed'))['total']).toBe(count);
    data.remove();
  });
});

describe('while it closes', () => {
  test('a request that began before is answered, a later one refused, and both connections end', async () => {
    const service = await startLedgerService();
    const { hostname, port } = new URL(service.url);
    const open = async (beginning: string) => {
      const socket = connect(Number(port), hostname);
      await once(socket, 'connect');
      socket.write(beginning);
      return socket;
    };
    const body = JSON.stringify({ execution_id: 'closing-1', config_name: 'dada' });
    const head = `Host: ${hostname}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n`;
    const began = await open(`POST /api/runs HTTP/1.1\r\n${head}\r\n${body.slice(0, 5)}`);
    const late = await open(`GET /api/runs HTTP/1.1\r\nHost: ${hostname}\r\n`);
    // Answered after the two above were received: the server reads its sockets in turn.
    expect((await service.get('/health/live')).status).toBe(204);
    const closed = service.close();
    began.write(body.slice(5));
    late.write('\r\n');
    const [answered, refused] = await Promise.all([text(began), text(late)]);
    await closed;
    expect(answered).toMatch(/^HTTP\/1\.1 201 /);
    expect(refused).toMatch(/^HTTP\/1\.1 503 /);
    expect(refused).toMatch(/content-type: application\/problem\+json/i);
    expect(refused).toMatch(/retry-after: /i);
    for (const answer of [answered, refused]) expect(answer).toMatch(/connection: close/i);
  });
});

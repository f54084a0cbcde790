import type { EventStoreDBClient } from '@eventstore/db-client';
import { expect, test } from 'vitest';
import { connect, exactly, idsOf, someEvents } from './a-client.ts';
import { clientOf, runningCluster, runningServer } from './running.ts';

/** Appends one by one, each until it is acknowledged, and gives the ids in their order. */
async function appendPersistently(url: string, count: number): Promise<string[]> {
  const ids: string[] = [];
  let client: EventStoreDBClient = connect(url);
  for (let index = 0; index < count; index += 1) {
    const events = someEvents(1);
    const expected = exactly(index === 0 ? 'no_stream' : BigInt(index - 1), { deadline: 2000 });
    for (let acknowledged = false; !acknowledged; ) {
      try {
        await client.appendToStream('run-a', events, expected);
        acknowledged = true;
      } catch (error) {
        expect((error as { type: string }).type).not.toBe('wrong-expected-version');
        await client.dispose();
        client = connect(url);
      }
    }
    ids.push(...events.map(({ id }) => id));
  }
  await client.dispose();
  return ids;
}

test('whatever chaos there is, what is acknowledged is stored once and in order', async () => {
  const { server } = await runningServer();
  const chaos = server.chaos({ seed: 1, rate: 0.3, maxDelayMs: 2 });
  const ids = await appendPersistently(server.url, 150);
  await chaos.end();
  expect(Object.keys(chaos.struck()).sort()).toEqual(
    ['cut', 'drop', 'dropAfterStoring', 'restart', 'slow', 'unavailable'].sort(),
  );
  expect(await idsOf(clientOf(server.url).readAll())).toEqual(ids);
});

test('a cluster loses and changes its leader in chaos, and no acknowledged event', async () => {
  const { cluster } = await runningCluster();
  const chaos = cluster.chaos({ seed: 3, rate: 0.2, upheavalRate: 0.3, maxDelayMs: 2 });
  const ids = await appendPersistently(cluster.url, 100);
  await chaos.end();
  expect(chaos.struck()['loseLeader'] ?? 0).toBeGreaterThan(0);
  expect(chaos.struck()['changeLeader'] ?? 0).toBeGreaterThan(0);
  expect(await idsOf(clientOf(cluster.nodes[0]?.url ?? '').readAll())).toEqual(ids);
});

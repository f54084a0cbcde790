import { once } from 'node:events';
import { FOLLOWER } from '@eventstore/db-client';
import { expect, test } from 'vitest';
import { exactly, idsOf, someEvents } from './a-client.ts';
import { clientOf, runningCluster } from './running.ts';

test('a client of all nodes finds the leader, and every node has what it stored', async () => {
  const { cluster, client } = await runningCluster();
  const events = someEvents(2);
  await client.appendToStream('run-a', events, exactly('no_stream'));
  expect(cluster.nodes.map(({ calls }) => calls.count('append'))).toEqual([1, 0, 0]);
  for (const { url } of cluster.nodes) {
    expect(await idsOf(clientOf(url).readAll())).toEqual(events.map(({ id }) => id));
  }
  const follower = clientOf(`${cluster.url}&nodePreference=${FOLLOWER}`);
  await idsOf(follower.readAll());
  expect(cluster.nodes[0]?.calls.count('read')).toBe(1);
});

test('a follower refuses an append that requires the leader, says who it is, and passes on any other', async () => {
  const { cluster } = await runningCluster();
  const [leader, follower] = cluster.nodes;
  const client = clientOf(follower?.url ?? '');
  await client.appendToStream('run-a', someEvents(1), exactly('any', { requiresLeader: false }));
  await expect(client.appendToStream('run-a', someEvents(1), exactly('any'))).rejects.toMatchObject({
    type: 'not-leader',
    leader: { address: '127.0.0.1', port: leader?.port },
  });
  // The client goes to the leader by itself from then on.
  await client.appendToStream('run-a', someEvents(1), exactly('any'));
  expect(leader?.calls.count('append')).toBe(1);
});

test('while there is no leader no append is taken, and reads are', async () => {
  const { cluster, client } = await runningCluster();
  await client.appendToStream('run-a', someEvents(1), exactly('any'));
  cluster.elect(null);
  expect(cluster.leader()).toBeNull();
  const [, second] = cluster.nodes;
  for (const requiresLeader of [true, false]) {
    const refused = clientOf(second?.url ?? '').appendToStream(
      'run-a',
      someEvents(1),
      exactly('any', { requiresLeader }),
    );
    await expect(refused).rejects.toMatchObject({ type: 'unavailable' });
  }
  expect(await idsOf(clientOf(second?.url ?? '').readAll())).toHaveLength(1);
  cluster.elect(1);
  await clientOf(second?.url ?? '').appendToStream('run-a', someEvents(1), exactly('any'));
});

test('when the leader is killed its calls break, and the next leader has all that was acknowledged', async () => {
  const { cluster, client } = await runningCluster();
  const events = someEvents(2);
  await client.appendToStream('run-a', events, exactly('no_stream'));
  const subscription = client.subscribeToAll();
  subscription.resume();
  await once(subscription, 'caughtUp');
  const broken = once(subscription, 'end').catch((error: unknown) => error);
  await cluster.kill(0);
  expect(await broken).toMatchObject({ type: 'unavailable' });
  expect(cluster.leader()).toBeNull();
  expect(() => cluster.elect(0)).toThrow('Node 0 is down: it cannot lead');
  cluster.elect(2);
  const next = clientOf(cluster.url);
  await next.appendToStream('run-a', someEvents(1), exactly(1n));
  expect(cluster.nodes[2]?.calls.count('append')).toBe(1);
  await cluster.restart(0);
  expect(await idsOf(clientOf(cluster.nodes[0]?.url ?? '').readAll())).toHaveLength(3);
});

test('a fault befalls one node only', async () => {
  const { cluster } = await runningCluster();
  cluster.nodes[0]?.faults.inject('read', { kind: 'unavailable' });
  await expect(idsOf(clientOf(cluster.nodes[0]?.url ?? '').readAll())).rejects.toMatchObject({
    type: 'unavailable',
  });
  expect(await idsOf(clientOf(cluster.nodes[1]?.url ?? '').readAll())).toEqual([]);
});

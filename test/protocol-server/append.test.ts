import { randomUUID } from 'node:crypto';
import { BACKWARDS, END, type EventStoreDBClient, START } from '@eventstore/db-client';
import { credentials } from '@grpc/grpc-js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import { expect, onTestFinished, test } from 'vitest';
import { exactly, idsOf, someEvents } from './a-client.ts';
import { clientOf, runningServer } from './running.ts';

test('what is appended is read back with the same ids, types and bytes, forwards and backwards', async () => {
  const { client } = await runningServer();
  const events = someEvents(5);
  const { nextExpectedRevision, position } = await client.appendToStream(
    'run-a',
    events,
    exactly('no_stream'),
  );
  expect(nextExpectedRevision).toBe(4n);
  const read = [];
  for await (const { event, commitPosition } of client.readStream('run-a')) {
    read.push(event);
    expect(commitPosition).toBe(event?.position?.commit);
  }
  expect(read.map((event) => event?.revision)).toEqual([0n, 1n, 2n, 3n, 4n]);
  expect(read.at(-1)?.position).toEqual(position);
  for (const [index, event] of read.entries()) {
    expect(event).toMatchObject({
      id: events[index]?.id,
      type: 'stage_output',
      streamId: 'run-a',
      isJson: false,
    });
    expect(Buffer.from(event?.data as Uint8Array)).toEqual(Buffer.from(events[index]?.data ?? []));
    expect(Buffer.from(event?.metadata as Uint8Array)).toEqual(
      Buffer.from(events[index]?.metadata as Uint8Array),
    );
  }
  const backwards = await idsOf(
    client.readStream('run-a', { direction: BACKWARDS, fromRevision: 3n, maxCount: 2 }),
  );
  expect(backwards).toEqual([events[3]?.id, events[2]?.id]);
  expect(await idsOf(client.readStream('run-a', { fromRevision: 3n }))).toEqual([
    events[3]?.id,
    events[4]?.id,
  ]);
  expect(await idsOf(client.readStream('run-a', { fromRevision: 5n }))).toEqual([]);
  expect(await idsOf(client.readStream('run-a', { fromRevision: 2n ** 40n }))).toEqual([]);
  const last = client.readStream('run-a', { direction: BACKWARDS, fromRevision: END, maxCount: 1 });
  expect(await idsOf(last)).toEqual([events[4]?.id]);
});

test('a stream that does not exist is not found', async () => {
  const { client } = await runningServer();
  await expect(idsOf(client.readStream('run-none'))).rejects.toMatchObject({
    type: 'stream-not-found',
    streamName: 'run-none',
  });
});

test.each([
  ['no_stream on a stream that exists', 'no_stream', 'no_stream', 1n],
  ['a revision before the last', 0n, 0n, 1n],
  ['a revision behind the last', 2n, 2n, 1n],
] as const)(
  '%s is a wrong expected version and stores nothing',
  async (_, given, expectedVersion, actualVersion) => {
    const { client } = await runningServer();
    const stored = someEvents(2);
    await client.appendToStream('run-a', stored, exactly('no_stream'));
    await expect(client.appendToStream('run-a', someEvents(1), exactly(given))).rejects.toMatchObject({
      type: 'wrong-expected-version',
      expectedVersion,
      actualVersion,
    });
    expect(await idsOf(client.readAll())).toEqual(stored.map(({ id }) => id));
  },
);

test.each([0n, 'stream_exists'] as const)(
  '%s on a missing stream is a wrong expected version',
  async (given) => {
    const { client } = await runningServer();
    await expect(client.appendToStream('run-a', someEvents(1), exactly(given))).rejects.toMatchObject({
      type: 'wrong-expected-version',
      expectedVersion: given,
      actualVersion: 'no_stream',
    });
  },
);

test('any and stream_exists append behind whatever is there', async () => {
  const { client } = await runningServer();
  const ends = [];
  for (const expected of ['any', 'any', 'stream_exists'] as const) {
    ends.push(await client.appendToStream('run-a', someEvents(2), exactly(expected)));
  }
  expect(ends.map((end) => end.nextExpectedRevision)).toEqual([1n, 3n, 5n]);
});

test('the same ids at the same revision are a success and stored once, after later appends and a restart too', async () => {
  const { client, server } = await runningServer();
  const first = someEvents(3);
  const second = someEvents(2);
  const firstAck = await client.appendToStream('run-a', first, exactly('no_stream'));
  const secondAck = await client.appendToStream('run-a', second, exactly(2n));
  const again = async (client: EventStoreDBClient) => [
    await client.appendToStream('run-a', first, exactly('no_stream')),
    await client.appendToStream('run-a', second, exactly(2n)),
  ];
  expect(await again(client)).toEqual([firstAck, secondAck]);
  await server.stop();
  await server.restart();
  const next = clientOf(server.url);
  expect(await again(next)).toEqual([firstAck, secondAck]);
  const prefix = await next.appendToStream('run-a', first.slice(0, 2), exactly('no_stream'));
  expect(prefix.nextExpectedRevision).toBe(1n);
  expect(await idsOf(next.readAll())).toEqual([...first, ...second].map(({ id }) => id));
});

test('ids of which one is new are a wrong expected version', async () => {
  const { client } = await runningServer();
  const events = someEvents(2);
  await client.appendToStream('run-a', events, exactly('no_stream'));
  const partlyNew = client.appendToStream('run-a', [...events, ...someEvents(1)], exactly('no_stream'));
  await expect(partlyNew).rejects.toMatchObject({ type: 'wrong-expected-version', actualVersion: 1n });
});

test('an append of more than 1 MiB is refused, one of 1,000 KiB is stored', async () => {
  const { client } = await runningServer();
  const append = (dataBytes: number) =>
    client.appendToStream('run-a', someEvents(10, { dataBytes }), exactly('any'));
  await expect(append(105_000)).rejects.toMatchObject({
    type: 'maximum-append-size-exceeded',
    maxAppendSize: 1024 * 1024,
  });
  expect((await append(102_400)).nextExpectedRevision).toBe(9n);
});

test('metadata of a stream is kept as a system stream, which unfiltered reads of $all show', async () => {
  const { client, server } = await runningServer();
  await client.setStreamMetadata('run-a', { store: 'x' }, exactly('no_stream'));
  const second = client.setStreamMetadata('run-a', { store: 'y' }, exactly('no_stream'));
  await expect(second).rejects.toMatchObject({ type: 'wrong-expected-version', actualVersion: 0n });
  await server.restart();
  const next = clientOf(server.url);
  expect((await next.getStreamMetadata('run-a')).metadata).toEqual({ store: 'x' });
  expect((await next.getStreamMetadata('run-b')).metadata).toBeUndefined();
  const all = await next.readAll().toArray();
  expect(all.map(({ event }) => [event?.streamId, event?.type])).toEqual([['$$run-a', '$metadata']]);
});

test('$all is read from a position inclusively, and backwards from before it', async () => {
  const { client } = await runningServer();
  const events = someEvents(300);
  for (const event of events) await client.appendToStream('run-a', [event], exactly('any'));
  const ids = events.map(({ id }) => id);
  expect(await idsOf(client.readAll({ fromPosition: START }))).toEqual(ids);
  const [, , third] = await client.readAll({ maxCount: 3 }).toArray();
  const fromPosition = third?.event?.position ?? END;
  expect(await idsOf(client.readAll({ fromPosition }))).toEqual(ids.slice(2));
  expect(await idsOf(client.readAll({ fromPosition, maxCount: 200 }))).toEqual(ids.slice(2, 202));
  // A real server takes it for the end of an event: the one that begins there is not read.
  expect(await idsOf(client.readAll({ fromPosition, direction: BACKWARDS }))).toEqual(
    ids.slice(0, 2).toReversed(),
  );
  const fromEnd = { fromPosition: END, direction: BACKWARDS } as const;
  expect(await idsOf(client.readAll(fromEnd))).toEqual(ids.toReversed());
  expect(await idsOf(client.readAll({ ...fromEnd, maxCount: 1 }))).toEqual(ids.slice(-1));
  const positions = (await client.readAll().toArray()).map(({ event }) => event?.position?.commit ?? 0n);
  const steps = new Set(positions.slice(1).map((position, index) => position - (positions[index] ?? 0n)));
  expect(steps.size).toBeGreaterThan(1);
  expect([...steps].every((step) => step > 1n)).toBe(true);
});

test('$all is read backwards in its order, however large its events are', async () => {
  const { client } = await runningServer();
  const events = [...someEvents(8, { dataBytes: 100_000 }), ...someEvents(2)];
  for (const event of events) await client.appendToStream('run-a', [event], exactly('any'));
  const newestFirst = events.map(({ id }) => id).toReversed();
  const fromEnd = { fromPosition: END, direction: BACKWARDS } as const;
  expect(await idsOf(client.readAll(fromEnd))).toEqual(newestFirst);
  expect(await idsOf(client.readAll({ ...fromEnd, maxCount: 7 }))).toEqual(newestFirst.slice(0, 7));
});

test.each(['cancelled', 'cut'] as const)(
  'an append whose call is %s between two of its events is stored not at all',
  async (how) => {
    const { server, client } = await runningServer();
    const wire = new streamsGrpc.StreamsClient(`127.0.0.1:${server.port}`, credentials.createInsecure());
    onTestFinished(() => wire.close());
    const { header, proposal } = beginningOf('run-a');
    await new Promise<void>((resolve) => {
      const call = wire.append(() => resolve());
      call.write(header);
      call.write(proposal);
      const untilServed = setInterval(() => {
        if (server.openCalls() === 0) return;
        clearInterval(untilServed);
        if (how === 'cancelled') call.cancel();
        else void server.kill();
      }, 1);
    });
    if (how === 'cut') await server.restart();
    await server.whenIdle();
    expect(await idsOf(client.readAll())).toEqual([]);
  },
);

/** The first two messages of an append, as the client sends them; what follows is not sent. */
function beginningOf(stream: string) {
  const name = new shared.StreamIdentifier();
  name.setStreamName(Buffer.from(stream).toString('base64'));
  const options = new streams.AppendReq.Options();
  options.setStreamIdentifier(name);
  options.setNoStream(new shared.Empty());
  const header = new streams.AppendReq();
  header.setOptions(options);
  const id = new shared.UUID();
  id.setString(randomUUID());
  const message = new streams.AppendReq.ProposedMessage();
  message.setId(id);
  message.getMetadataMap().set('type', 'stage_output');
  message.getMetadataMap().set('content-type', 'application/octet-stream');
  message.setData(Uint8Array.from([1]));
  const proposal = new streams.AppendReq();
  proposal.setProposedMessage(message);
  return { header, proposal };
}

import { setImmediate as turn } from 'node:timers/promises';
import type { handleClientStreamingCall } from '@grpc/grpc-js';
import type { AppendReq, AppendResp } from '@eventstore/db-client/generated/streams_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import { type Call, never, type Reception, sufferDelay } from './call.ts';
import { positionOf } from './position.ts';
import { refusals } from './refusal.ts';
import type { AppendOutcome, Expected, Proposed, Store } from './store.ts';

/** A real server's default limit of one append. */
export const maxAppendBytes = 1024 * 1024;

type Request = {
  readonly stream: string;
  readonly expected: Expected;
  readonly events: readonly Proposed[];
};

type Options = { readonly reception: Reception; readonly store: () => Store };

/** Streams.Append: the options, then the events, one message each; one answer. */
export function createAppend({
  reception,
  store,
}: Options): handleClientStreamingCall<AppendReq, AppendResp> {
  return (wire, answer) => {
    void reception
      .serve('append', wire, async (call) => {
        const request = await received(wire, call.signal);
        const outcome = await append(request, store(), call);
        await sufferAfterStoring(call);
        answer(null, answerOf(outcome, request, call));
      })
      .then(
        (refusal) => refusal !== null && answer(refusal),
        (error: Error) => answer(error),
      );
  };
}

async function received(messages: AsyncIterable<AppendReq>, signal: AbortSignal): Promise<Request> {
  let options: Omit<Request, 'events'> | null = null;
  const events: Proposed[] = [];
  let sizeBytes = 0;
  for await (const message of messages) {
    const header = message.getOptions();
    if (header !== undefined) {
      const name = header.getStreamIdentifier()?.getStreamName_asU8() ?? new Uint8Array();
      options = { stream: Buffer.from(name).toString(), expected: expectedOf(header) };
      continue;
    }
    const proposed = message.getProposedMessage();
    if (proposed === undefined) throw refusals.invalid('A message without content');
    const event = eventOf(proposed);
    events.push(event);
    sizeBytes += event.data.length + event.metadata.length + event.type.length * 2;
  }
  // A connection that is cut ends the messages like a client that has sent them all; the difference is told right after.
  await turn();
  signal.throwIfAborted();
  if (options === null || options.stream === '') throw refusals.invalid('No stream name');
  if (sizeBytes > maxAppendBytes) throw refusals.tooLarge(maxAppendBytes);
  return { ...options, events };
}

function expectedOf(options: AppendReq.Options): Expected {
  const { ExpectedStreamRevisionCase: which } = streams.AppendReq.Options;
  switch (options.getExpectedStreamRevisionCase()) {
    case which.REVISION:
      return Number(options.getRevision());
    case which.NO_STREAM:
      return 'noStream';
    case which.STREAM_EXISTS:
      return 'streamExists';
    case which.ANY:
      return 'any';
    default:
      throw refusals.invalid('No expected revision');
  }
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function eventOf(message: AppendReq.ProposedMessage): Proposed {
  // Our log spells ids in lower case, like a real server's answers.
  const id = message.getId()?.getString().toLowerCase() ?? '';
  if (!uuid.test(id)) throw refusals.invalid(`'${id}' is not a valid event id`);
  const type = message.getMetadataMap().get('type') ?? '';
  const contentType = message.getMetadataMap().get('content-type');
  if (type === '' || contentType === undefined)
    throw refusals.invalid('Required Metadata Property is missing');
  // One byte counts the type in our log.
  if (!/^[\x20-\x7e]{1,200}$/.test(type)) throw refusals.beyond('such event types');
  return {
    id,
    type,
    isJson: contentType === 'application/json',
    data: message.getData_asU8(),
    metadata: message.getCustomMetadata_asU8(),
  };
}

async function append(
  { stream, events, expected }: Request,
  store: Store,
  call: Call,
): Promise<AppendOutcome> {
  const before = store.last();
  const outcome = await store.append(stream, events, expected);
  const isRetry = outcome.kind === 'stored' && outcome.ordinal <= before;
  if (call.fault?.fault.kind !== 'forgetful' || !isRetry) return outcome;
  const head = await store.readStream({ stream, backwards: true, from: null, count: 1 });
  for await (const { revision } of head ?? []) {
    call.fault.strike();
    return { kind: 'wrongExpectedVersion', actual: revision };
  }
  return outcome;
}

/** What goes wrong after the events are stored and before the client knows. */
async function sufferAfterStoring(call: Call): Promise<void> {
  await sufferDelay(call);
  if (call.fault?.fault.kind === 'hangAfterStoring') {
    call.fault.strike();
    await never(call.signal);
  }
  if (call.fault?.fault.kind === 'dropAfterStoring') {
    call.cut();
    call.fault.strike();
    await never(call.signal);
  }
}

function answerOf(outcome: AppendOutcome, { expected }: Request, call: Call): AppendResp {
  const answer = new streams.AppendResp();
  if (outcome.kind === 'wrongExpectedVersion') {
    return answer.setWrongExpectedVersion(wrongExpectedVersion(expected, outcome.actual));
  }
  const success = new streams.AppendResp.Success();
  if (outcome.revision === null) success.setNoStream(new shared.Empty());
  else success.setCurrentRevision(String(outcome.revision));
  const hidden = call.fault?.fault.kind === 'ackWithoutPosition';
  if (hidden) call.fault?.strike();
  if (outcome.kind === 'nothing' || hidden) success.setNoPosition(new shared.Empty());
  else {
    const at = String(positionOf(outcome.ordinal));
    success.setPosition(new streams.AppendResp.Position().setCommitPosition(at).setPreparePosition(at));
  }
  return answer.setSuccess(success);
}

function wrongExpectedVersion(expected: Expected, actual: number | null): AppendResp.WrongExpectedVersion {
  const wrong = new streams.AppendResp.WrongExpectedVersion();
  if (actual === null) wrong.setCurrentNoStream(new shared.Empty());
  else wrong.setCurrentRevision(String(actual));
  if (expected === 'noStream') return wrong.setExpectedNoStream(new shared.Empty());
  if (expected === 'streamExists') return wrong.setExpectedStreamExists(new shared.Empty());
  if (expected === 'any') return wrong.setExpectedAny(new shared.Empty());
  return wrong.setExpectedRevision(String(expected));
}

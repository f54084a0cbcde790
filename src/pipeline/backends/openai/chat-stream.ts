import type { Usage } from '../../../events/usage.ts';
import type { BackendError } from '../backend-error.ts';
import { brokenAnswer } from '../broken-answer.ts';
import type { CollectedText } from '../collected-text.ts';
import { readBytes } from '../http-call.ts';
import type { HttpAnswer, HttpCall } from '../http-contract.ts';
import { blotted, jsonOrNothing, machineCodeOf } from '../http-refusal.ts';
import { type ChatChunk, chatChunk, usageOf } from './chat-chunk.ts';
import { serverEvents } from './server-events.ts';

/** What a stream said beside its text; null where it said nothing. */
export type ChatEnd = {
  readonly model: string;
  readonly id: string | null;
  readonly provider: string | null;
  readonly systemFingerprint: string | null;
  readonly finishReason: string | null;
  /** The model's own words for not answering, where the server keeps them apart from the text. */
  readonly refusal: string;
  /** An interrupted stream has none, and some servers never tell. */
  readonly usage: Usage | undefined;
};

/**
 * Reads a streamed chat completion into `text`, up to `[DONE]` or, where a server leaves that out, to the end of a
 * stream that gave a finish reason. An error among the events under HTTP 200, an event that is no chunk and a stream that
 * just ends break the answer.
 */
export async function readChatStream(
  call: HttpCall,
  answer: HttpAnswer,
  text: CollectedText,
): Promise<ChatEnd> {
  if (!eventStream.test(answer.header('content-type') ?? '')) throw await otherAnswer(call, answer);
  let end: Heard = nothingHeard;
  for await (const data of serverEvents(call, answer)) {
    if (data === '[DONE]') return named(call, end);
    const chunk = chunkOf(call, data);
    for (const { delta } of firstOf(chunk)) {
      text.add(delta?.content ?? '');
      text.addThinking(delta?.reasoning ?? delta?.reasoning_content ?? '');
    }
    end = heard(end, chunk);
    if (end.finishReason === 'error') throw faultIn(call, data);
  }
  if (end.finishReason === null) throw brokenAnswer(call, 'the stream ended before it was done');
  return named(call, end);
}

const eventStream = /^text\/event-stream\b/i;

type Heard = Omit<ChatEnd, 'model'> & { readonly model: string | null };

const nothingHeard: Heard = {
  model: null,
  id: null,
  provider: null,
  systemFingerprint: null,
  finishReason: null,
  refusal: '',
  usage: undefined,
};

function heard(before: Heard, chunk: ChatChunk): Heard {
  const choices = firstOf(chunk);
  return {
    model: chunk.model ?? before.model,
    id: chunk.id ?? before.id,
    provider: chunk.provider ?? before.provider,
    systemFingerprint: chunk.system_fingerprint ?? before.systemFingerprint,
    finishReason: choices.find(({ finish_reason }) => finish_reason)?.finish_reason ?? before.finishReason,
    refusal: before.refusal + choices.map(({ delta }) => delta?.refusal ?? '').join(''),
    usage: chunk.usage ? usageOf(chunk.usage) : before.usage,
  };
}

/** One answer was asked for; a server that gives others puts them under other indices. */
const firstOf = ({ choices }: ChatChunk): ChatChunk['choices'] =>
  choices.filter(({ index = 0 }) => index === 0);

function named(call: HttpCall, end: Heard): ChatEnd {
  if (end.model === null) throw brokenAnswer(call, 'it names no model');
  return { ...end, model: end.model };
}

function chunkOf(call: HttpCall, data: string): ChatChunk {
  const json = jsonOrNothing(data);
  if (json === undefined) throw brokenAnswer(call, 'an event that is no JSON', { body: data });
  if (typeof json === 'object' && json !== null && 'error' in json) throw faultIn(call, data);
  const chunk = chatChunk.safeParse(json);
  if (!chunk.success) throw brokenAnswer(call, 'an event of another form', { body: data });
  return chunk.data;
}

/** The error that a stream tells of itself, under HTTP 200. */
function faultIn(call: HttpCall, event: string): BackendError {
  const data = blotted(event, call.apiKey);
  const json = jsonOrNothing(data);
  const code = machineCodeOf(json);
  const broken = brokenAnswer(
    call,
    code === undefined ? 'an error in the stream' : `an error in the stream: ${code}`,
    { body: data },
  );
  const { backend } = call;
  return call.refusal?.({ backend, status: 200, json, evidence: broken.evidence }) ?? broken;
}

/** Under HTTP 200 some servers and proxies tell of an error in JSON or HTML, though a stream was asked for. */
async function otherAnswer(call: HttpCall, answer: HttpAnswer): Promise<BackendError> {
  const body = new TextDecoder().decode(await readBytes(answer));
  const json = jsonOrNothing(body);
  return typeof json === 'object' && json !== null && 'error' in json
    ? faultIn(call, body)
    : brokenAnswer(call, 'an answer that is no event stream', { body });
}

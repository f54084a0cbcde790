import { below } from '../address.ts';
import { CollectedText } from '../collected-text.ts';
import { postJson, tokenHeader } from '../http-call.ts';
import { type HttpCall, maxTextAnswerBytes } from '../http-contract.ts';
import { namedModel } from '../named-model.ts';
import { parametersAs } from '../parameters.ts';
import type { TextRequest, TextResponse } from '../text-backend.ts';
import type { Timeouts } from '../timeouts.ts';
import { chatMessage } from './chat-request.ts';
import { readChatStream } from './chat-stream.ts';

/** A server that speaks `/chat/completions`, and what is its own about it. */
export type ChatServer = {
  /** The backend's name. */
  readonly name: string;
  /** The base, such as `http://127.0.0.1:8080/v1`. */
  readonly url: string;
  readonly apiKey?: string | undefined;
  /** Monotonic seconds. */
  readonly clock: () => number;
  readonly timeouts: Timeouts;
  /** Our parameters in its words. */
  readonly words: Readonly<Record<string, string>>;
  /** What it wants in the body beside. */
  readonly extra?: Readonly<Record<string, unknown>> | undefined;
  readonly refusal?: HttpCall['refusal'];
  readonly remoteHost: string | undefined;
};

/**
 * One streamed chat completion. `seed` of the response is null: these servers do not say which they used, and some pass
 * it over; `metadata.parameters` has the one that was sent.
 */
export async function chat(
  server: ChatServer,
  request: TextRequest,
  signal: AbortSignal,
): Promise<TextResponse> {
  const { name, clock } = server;
  const parameters = parametersAs(request, server.words);
  const body = {
    model: namedModel(name, request),
    messages: [chatMessage(name, request)],
    ...parameters,
    stream: true,
    stream_options: { include_usage: true },
    ...server.extra,
  };
  const text = new CollectedText(name);
  const call = callOf(server, text);
  const started = clock();
  const { end, generationId } = await postJson(call, body, signal, async (answer) => ({
    end: await readChatStream(call, answer, text),
    generationId: tokenHeader(answer, 'x-generation-id'),
  }));
  return {
    text: text.text,
    model: end.model,
    backend: name,
    executionSeconds: clock() - started,
    method: 'llm',
    seed: null,
    finishReason: end.finishReason,
    remoteHost: server.remoteHost,
    usage: end.usage,
    metadata: {
      id: end.id,
      system_fingerprint: end.systemFingerprint,
      finish_reason: end.finishReason,
      ...(end.provider === null ? {} : { provider: end.provider }),
      ...(generationId === undefined ? {} : { generation_id: generationId }),
      ...(end.refusal === '' ? {} : { refusal: end.refusal }),
      ...text.metadata,
      parameters,
    },
  };
}

const callOf = ({ name, url, apiKey, timeouts, refusal }: ChatServer, text: CollectedText): HttpCall => ({
  backend: name,
  url: below(url, '/chat/completions'),
  timeouts,
  maxAnswerBytes: maxTextAnswerBytes,
  apiKey,
  partialText: () => text.text,
  refusal,
});

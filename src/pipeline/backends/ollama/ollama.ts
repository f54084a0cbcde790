import type { Usage } from '../../../events/usage.ts';
import { isToken } from '../../../events/token.ts';
import { below, hostOf, placeOf } from '../address.ts';
import { CollectedText } from '../collected-text.ts';
import { postJson } from '../http-call.ts';
import { type HttpCall, maxTextAnswerBytes } from '../http-contract.ts';
import { namedModel } from '../named-model.ts';
import { parametersAs } from '../parameters.ts';
import type { TextBackend, TextRequest } from '../text-backend.ts';
import { type Timeouts, defaultTimeouts } from '../timeouts.ts';
import { type ChatEnd, readChat } from './chat-answer.ts';
import { type ModelDigest, digestOf } from './model-digest.ts';

export type OllamaOptions = {
  /** Of the server, such as `http://127.0.0.1:11434`. */
  readonly url: string;
  /** Monotonic seconds. */
  readonly clock: () => number;
  readonly timeouts?: Timeouts | undefined;
};

/**
 * Texts by an Ollama server, over `POST /api/chat`, streamed. `seed` of the response is the one that was sent, since
 * Ollama does not say which it used; it takes every seed. `modelDigest` is what the name stood for both before and after
 * the answer; where that cannot be said, `metadata.model_digest_unknown` has a code for the reason. Durations in
 * `metadata` are nanoseconds, null where Ollama told none.
 */
export function ollamaText({
  url,
  clock,
  timeouts = defaultTimeouts('local', 'text'),
}: OllamaOptions): TextBackend {
  return {
    name: 'ollama',
    async run(request, signal) {
      const model = namedModel('ollama', request);
      const options = parametersAs(request, words);
      const text = new CollectedText('ollama');
      const call: HttpCall = {
        backend: 'ollama',
        url: below(url, '/api/chat'),
        timeouts,
        maxAnswerBytes: maxTextAnswerBytes,
        partialText: () => text.text,
      };
      const before = await digestOf({ url, timeouts }, model, signal);
      const started = clock();
      const body = chatBody(model, options, request);
      const end = await postJson(call, body, signal, (answer) => readChat(call, answer, text));
      const executionSeconds = clock() - started;
      const after = await digestOf({ url, timeouts }, end.model, signal);
      const digest = sameDigest(before, after, end);
      return {
        text: text.text,
        model: end.model,
        backend: 'ollama',
        executionSeconds,
        method: 'llm',
        modelDigest: 'digest' in digest ? digest.digest : undefined,
        seed: request.seed,
        finishReason: end.done_reason,
        remoteHost: remoteHostOf(end, url),
        usage: usageOf(end),
        metadata: {
          ...metadataOf(end),
          ...text.metadata,
          options,
          ...('digest' in digest ? {} : { model_digest_unknown: digest.unknown }),
        },
      };
    },
  };
}

const words = {
  temperature: 'temperature',
  top_p: 'top_p',
  top_k: 'top_k',
  max_tokens: 'num_predict',
} as const;

const chatBody = (
  model: string,
  options: Readonly<Record<string, number>>,
  { prompt, images = [] }: TextRequest,
): unknown => ({
  model,
  messages: [
    {
      role: 'user',
      content: prompt,
      ...(images.length === 0
        ? {}
        : { images: images.map((image) => Buffer.from(image).toString('base64')) }),
    },
  ],
  options,
  stream: true,
  // Otherwise a prompt beyond the context loses its beginning without a word, and the item would tell of another one.
  truncate: false,
});

/** Somebody may pull the name anew while it answers; what another host runs has no digest here. */
function sameDigest(before: ModelDigest, after: ModelDigest, { remote_host }: ChatEnd): ModelDigest {
  if (remote_host !== undefined) return { unknown: 'remote_model' };
  if ('unknown' in before || 'unknown' in after) return 'unknown' in after ? after : before;
  return before.digest === after.digest ? after : { unknown: 'changed_meanwhile' };
}

/** Ollama may pass a model on to another host, or stand outside the house itself. */
function remoteHostOf({ remote_host }: ChatEnd, url: string): string | undefined {
  if (remote_host !== undefined) return isToken(remote_host) ? remote_host : 'unnamed';
  return placeOf(url) === 'remote' ? hostOf(url) : undefined;
}

function usageOf(end: ChatEnd): Usage {
  const { prompt_eval_count, eval_count, prompt_eval_duration, eval_duration } = end;
  return {
    ...(prompt_eval_count === null ? {} : { input_tokens: prompt_eval_count }),
    ...(eval_count === null ? {} : { output_tokens: eval_count }),
    ...(prompt_eval_duration === null || eval_duration === null
      ? {}
      : { seconds: (prompt_eval_duration + eval_duration) / 1e9 }),
  };
}

const metadataOf = (end: ChatEnd): Readonly<Record<string, unknown>> => ({
  total_duration: end.total_duration,
  load_duration: end.load_duration,
  prompt_eval_duration: end.prompt_eval_duration,
  eval_duration: end.eval_duration,
  done_reason: end.done_reason,
  ...(end.remote_model === undefined ? {} : { remote_model: end.remote_model }),
  ...(end.remote_host === undefined ? {} : { remote_host: end.remote_host }),
});

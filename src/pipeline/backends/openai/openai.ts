import { hostOf, placeOf } from '../address.ts';
import type { TextBackend } from '../text-backend.ts';
import { type Timeouts, defaultTimeouts } from '../timeouts.ts';
import { chat } from './chat.ts';

export type OpenaiOptions = {
  /** As items say it: `openai`. */
  readonly name: string;
  /** The base, such as `http://127.0.0.1:8080/v1`; `/chat/completions` comes below it. */
  readonly url: string;
  readonly apiKey?: string | undefined;
  /** Monotonic seconds. */
  readonly clock: () => number;
  /** Without them, those of a model in the house or of a provider, by the address. */
  readonly timeouts?: Timeouts | undefined;
};

/**
 * Texts by any server that speaks OpenAI's `/chat/completions`: llama.cpp, vLLM, LM Studio, OpenAI itself. `remoteHost`
 * is set where the address is none of the house.
 */
export function openaiText({ name, url, apiKey, clock, timeouts }: OpenaiOptions): TextBackend {
  const place = placeOf(url);
  const server = {
    name,
    url,
    apiKey,
    clock,
    timeouts: timeouts ?? defaultTimeouts(place, 'text'),
    words,
    remoteHost: place === 'remote' ? hostOf(url) : undefined,
  };
  return { name, run: (request, signal) => chat(server, request, signal) };
}

/** OpenAI has no `top_k` and refuses words it does not know. */
const words = { temperature: 'temperature', top_p: 'top_p', max_tokens: 'max_tokens' } as const;

import { hostOf } from '../address.ts';
import { chat } from '../openai/chat.ts';
import type { TextBackend } from '../text-backend.ts';
import { type Timeouts, defaultTimeouts } from '../timeouts.ts';
import { moderated } from './moderation.ts';

export type OpenrouterOptions = {
  /** The base, such as `https://openrouter.ai/api/v1`. */
  readonly url: string;
  readonly apiKey: string;
  /** Monotonic seconds. */
  readonly clock: () => number;
  readonly timeouts?: Timeouts | undefined;
};

/**
 * Texts by OpenRouter. `remoteHost` is always set: the text leaves the house. `metadata.provider` is who did the work,
 * `usage.reported_cost` what OpenRouter charged, in US dollars. A provider's moderation is PROVIDER_MODERATED.
 */
export function openrouterText({
  url,
  apiKey,
  clock,
  timeouts = defaultTimeouts('remote', 'text'),
}: OpenrouterOptions): TextBackend {
  const server = {
    name: 'openrouter',
    url,
    apiKey,
    clock,
    timeouts,
    words,
    extra: { usage: { include: true } },
    refusal: moderated,
    remoteHost: hostOf(url),
  };
  return { name: server.name, run: (request, signal) => chat(server, request, signal) };
}

const words = {
  temperature: 'temperature',
  top_p: 'top_p',
  top_k: 'top_k',
  max_tokens: 'max_tokens',
} as const;

import { z } from 'zod';
import { count } from '../../../events/token.ts';
import type { Usage } from '../../../events/usage.ts';

/** What is no count is not told. */
const told = count.nullish().catch(undefined);
const name = z.string().min(1).nullish();

export const chatUsage = z.object({
  prompt_tokens: told,
  completion_tokens: told,
  prompt_tokens_details: z.object({ cached_tokens: told }).nullish().catch(undefined),
  completion_tokens_details: z.object({ reasoning_tokens: told }).nullish().catch(undefined),
  cost: z.number().min(0).nullish().catch(undefined),
});

/** One event of a streamed chat completion. `choices` is empty in the one that carries only `usage`. */
export const chatChunk = z.object({
  id: name,
  model: name,
  provider: name,
  system_fingerprint: name,
  choices: z.array(
    z.object({
      index: z.int().optional(),
      delta: z
        .object({
          content: z.string().nullish(),
          refusal: z.string().nullish(),
          /** Thinking: OpenRouter and vLLM. */
          reasoning: z.string().nullish(),
          /** Thinking: DeepSeek and llama.cpp. */
          reasoning_content: z.string().nullish(),
        })
        .nullish(),
      finish_reason: name,
    }),
  ),
  usage: chatUsage.nullish(),
});
export type ChatChunk = z.infer<typeof chatChunk>;

/** As the events of this house count it; `cost` is OpenRouter's alone. */
export function usageOf(usage: z.infer<typeof chatUsage>): Usage {
  const cached = usage.prompt_tokens_details?.cached_tokens;
  const reasoning = usage.completion_tokens_details?.reasoning_tokens;
  const buckets = {
    input_tokens: usage.prompt_tokens,
    cached_input_tokens: cached,
    output_tokens: usage.completion_tokens,
    reasoning_tokens: reasoning,
    reported_cost: usage.cost,
  };
  return Object.fromEntries(Object.entries(buckets).filter(([, value]) => typeof value === 'number'));
}

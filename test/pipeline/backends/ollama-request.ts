import { z } from 'zod';
import type { PlainAnswer, Received } from './scripted-server.ts';

export type OllamaModel = { readonly name: string; readonly digest: string };

/** Go reads whole numbers into these, and numbers into those. */
const options = z
  .object({
    seed: z.number(),
    num_predict: z.number(),
    top_k: z.number(),
    num_ctx: z.number(),
    temperature: z.number(),
    top_p: z.number(),
  })
  .partial()
  .loose();

const chatRequest = z.object({
  model: z.string().default(''),
  messages: z
    .array(
      z.object({
        role: z.enum(['system', 'user', 'assistant', 'tool']),
        content: z.string().default(''),
        images: z.array(z.base64()).nullish(),
      }),
    )
    .min(1),
  stream: z.boolean().optional(),
  truncate: z.boolean().optional(),
  options: options.nullish(),
});

/** What Ollama answers to a request that it would not take; undefined for one that it would. */
export function refusedChat(
  { method, path, text, body }: Received,
  models: readonly OllamaModel[],
): PlainAnswer | undefined {
  if (path !== '/api/chat' && path !== '/api/tags') return page(404, '404 page not found');
  if (path !== '/api/chat' || method !== 'POST') return page(405, '405 method not allowed');
  if (text === '') return refusal(400, 'missing request body');
  if (body === undefined) return refusal(400, 'invalid character in the body');
  const parsed = chatRequest.safeParse(body);
  if (!parsed.success) {
    // Options are read last, when the model is already looked for.
    const isOption = parsed.error.issues.every(({ path }) => path[0] === 'options');
    return refusal(isOption ? 500 : 400, z.prettifyError(parsed.error));
  }
  const { model } = parsed.data;
  if (model === '') return refusal(400, 'model is required');
  return models.some(({ name }) => fullName(name) === fullName(model))
    ? undefined
    : refusal(404, `model '${model}' not found`);
}

const fullName = (name: string): string => (name.includes(':') ? name : `${name}:latest`).toLowerCase();

const refusal = (status: number, error: string): PlainAnswer => ({ status, body: JSON.stringify({ error }) });
const page = (status: number, body: string): PlainAnswer => ({ status, body, type: 'text/plain' });

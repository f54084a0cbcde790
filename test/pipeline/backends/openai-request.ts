import { z } from 'zod';
import type { PlainAnswer, Received } from './scripted-server.ts';

/** Which of the servers that speak this protocol it is. */
export type Flavour = 'openai' | 'openrouter';

const dataUrl = z.string().regex(/^data:image\/(png|jpeg|webp|gif);base64,[A-Za-z0-9+/]+={0,2}$/);
const part = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text'), text: z.string() }),
  z.strictObject({ type: z.literal('image_url'), image_url: z.object({ url: dataUrl }) }),
]);

const common = {
  model: z.string().min(1),
  messages: z
    .array(
      z.object({
        role: z.enum(['system', 'developer', 'user', 'assistant', 'tool']),
        content: z.union([z.string(), z.array(part).min(1)]),
      }),
    )
    .min(1),
  stream: z.boolean().optional(),
  stream_options: z.object({ include_usage: z.boolean().optional() }).nullish(),
  seed: z.int().optional(),
  temperature: z.number().min(0).max(2).optional(),
  top_p: z.number().min(0).max(1).optional(),
  max_tokens: z.int().min(1).optional(),
};

/** OpenAI refuses words it does not know; OpenRouter has a few more and passes over the rest. */
const bodies = {
  openai: z.strictObject(common),
  openrouter: z.looseObject({
    ...common,
    top_k: z.int().min(0).optional(),
    usage: z.object({ include: z.boolean() }).optional(),
  }),
} as const;

const streamed = z
  .object({ stream: z.boolean().optional(), stream_options: z.unknown().optional() })
  .refine(({ stream, stream_options }) => stream === true || stream_options === undefined);

/** What the server answers to a request that it would not take; undefined for one that it would. */
export function refusedCompletion(
  flavour: Flavour,
  { method, path, headers, body }: Received,
  { base, apiKey, models }: { base: string; apiKey: string | undefined; models: readonly string[] },
): PlainAnswer | undefined {
  const refuse = refusals[flavour];
  if (path !== `${base}/chat/completions`) return refuse(404, 'Invalid URL', 'invalid_request_error', null);
  if (method !== 'POST') return refuse(405, 'Not allowed to do that', 'invalid_request_error', null);
  if (apiKey !== undefined && headers.authorization !== `Bearer ${apiKey}`) return unauthorized(flavour);
  if (body === undefined) return refuse(400, 'The body is no JSON', 'invalid_request_error', null);
  const parsed = bodies[flavour].safeParse(body);
  if (!parsed.success || !streamed.safeParse(body).success) {
    const message =
      parsed.error === undefined ? 'stream_options without stream' : z.prettifyError(parsed.error);
    return refuse(400, message, 'invalid_request_error', null);
  }
  const { model } = parsed.data;
  if (models.includes(model)) return undefined;
  return flavour === 'openai'
    ? refuse(404, `The model ${model} does not exist`, 'invalid_request_error', 'model_not_found')
    : refuse(400, `${model} is not a valid model ID`, 'invalid_request', null);
}

export const unauthorized = (flavour: Flavour): PlainAnswer =>
  flavour === 'openai'
    ? refusals.openai(401, 'Incorrect API key provided', 'invalid_request_error', 'invalid_api_key')
    : refusals.openrouter(401, 'No auth credentials found', 'authentication', null);

type Refusal = (status: number, message: string, type: string, code: string | null) => PlainAnswer;

const refusals: Readonly<Record<Flavour, Refusal>> = {
  openai: (status, message, type, code) => ({
    status,
    body: JSON.stringify({ error: { message, type, param: null, code } }),
  }),
  openrouter: (status, message, type) => ({
    status,
    body: JSON.stringify({ error: { message, code: status, metadata: { error_type: type } } }),
  }),
};

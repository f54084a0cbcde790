import type { Buffer } from 'node:buffer';
import { z } from 'zod';
import { fileOf } from './comfyui-files.ts';
import { refusedCompletion } from './openai-request.ts';
import { openrouterKey } from './openai-server.ts';
import {
  type PlainAnswer,
  type Received,
  type ScriptedServer,
  startScripted,
  type Turn,
} from './scripted-server.ts';

/** How an answer differs from one picture and its usage. */
export type PictureFault =
  | 'two-pictures'
  | 'with-text'
  /** Words in place of a picture. */
  | 'text-only'
  | 'refusal'
  /** Nothing at all, because a filter stopped it. */
  | 'filtered'
  | 'nothing'
  /** A link to a picture. */
  | 'link'
  | 'no-usage'
  | 'no-model'
  /** An error of the first choice, under HTTP 200. */
  | 'choice-error'
  /** Blanks before the answer, as OpenRouter sends them while a provider works. */
  | 'blanks'
  /** Nothing, until `release`. */
  | 'held'
  | 'cut-off'
  | PlainAnswer;

export type PictureServer = ScriptedServer<PictureFault>;

export const pictureModel = 'openai/gpt-5-image';

const base = '/api/v1';
const asksForPictures = z.object({
  modalities: z.array(z.enum(['image', 'text'])).refine((names) => names.includes('image')),
  stream: z.literal(false).optional(),
});

/** A server that makes pictures as OpenRouter does, over `/chat/completions`, and refuses what OpenRouter refuses. */
export async function startPictureServer(): Promise<PictureServer> {
  const server = await startScripted<PictureFault>(answerPictures);
  return { ...server, url: server.url + base };
}

/** Answers one request for pictures, as OpenRouter does. */
export async function answerPictures(
  request: Received,
  turn: Turn,
  nextFault: () => PictureFault | 'none',
): Promise<void> {
  const keyed = { base, apiKey: openrouterKey, models: [pictureModel] };
  const refused = refusedCompletion('openrouter', request, keyed) ?? refusedWithoutPictures(request);
  if (refused) return turn.plain(refused);
  const fault = nextFault();
  if (typeof fault === 'object') return turn.plain(fault);
  if (fault === 'held') await turn.hold();
  const body = JSON.stringify(completion(request, fault));
  if (fault === 'cut-off') {
    turn.response.writeHead(200, { 'content-type': 'application/json' });
    await turn.write([body.slice(0, 50)]);
    return turn.cut();
  }
  turn.plain({
    status: 200,
    body: fault === 'blanks' ? `\n         \n${body}` : body,
    headers: { 'x-generation-id': generation },
  });
}

/** To a model of pictures, a request without the modality is one for text. */
function refusedWithoutPictures({ body }: Received): PlainAnswer | undefined {
  const asked = asksForPictures.safeParse(body);
  if (asked.success) return undefined;
  const error = {
    code: 400,
    message: z.prettifyError(asked.error),
    metadata: { error_type: 'invalid_request' },
  };
  return { status: 400, body: JSON.stringify({ error }) };
}

const generation = 'gen-1767268800-Pic7uRe0aB1c';

/** The picture that an answer holds for a prompt: 48 × 32, with the prompt in it. */
export const pictureOf = (prompt: string, number: number): Buffer =>
  fileOf({ drawn: { class_type: 'SaveImage', inputs: { prompt, width: 48, height: 32 } } }, 'drawn', number)
    .bytes;

function completion({ text, body }: Received, fault: string): object {
  const { model } = body as { model: string };
  const count = { 'two-pictures': 2, 'text-only': 0, refusal: 0, filtered: 0, nothing: 0 }[fault] ?? 1;
  const url = (number: number): string =>
    fault === 'link'
      ? 'https://pictures.example/1.png'
      : `data:image/png;base64,${pictureOf(text, number).toString('base64')}`;
  const images = Array.from({ length: count }, (_, number) => ({
    type: 'image_url',
    image_url: { url: url(number) },
    index: number,
  }));
  const message = {
    role: 'assistant',
    content: fault === 'text-only' || fault === 'with-text' ? 'I see a red flower.' : '',
    refusal: fault === 'refusal' ? 'I cannot draw a red flower.' : null,
    ...(count === 0 ? {} : { images }),
  };
  const error = { code: 502, message: 'a red flower', metadata: { error_type: 'provider_unavailable' } };
  return {
    id: generation,
    provider: 'Example',
    ...(fault === 'no-model' ? {} : { model }),
    object: 'chat.completion',
    created: 1_767_268_800,
    choices: [
      {
        index: 0,
        message,
        finish_reason: fault === 'filtered' ? 'content_filter' : 'stop',
        ...(fault === 'choice-error' ? { error } : {}),
      },
    ],
    ...(fault === 'no-usage' ? {} : { usage }),
  };
}

const usage = {
  prompt_tokens: 12,
  completion_tokens: 4_175,
  total_tokens: 4_187,
  cost: 0.0421,
  prompt_tokens_details: { cached_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 15, image_tokens: 4_160 },
};

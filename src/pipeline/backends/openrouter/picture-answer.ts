import { Buffer } from 'node:buffer';
import { z } from 'zod';
import { BackendError } from '../backend-error.ts';
import type { HttpCall } from '../http-contract.ts';
import { machineCodeOf, quoted } from '../http-refusal.ts';
import { chatUsage } from '../openai/chat-chunk.ts';
import { moderated } from './moderation.ts';

const name = z.string().min(1).nullish();

const picturesAnswer = z.object({
  id: name,
  model: z.string().min(1),
  provider: name,
  choices: z
    .array(
      z.object({
        message: z.object({
          content: z.string().nullish(),
          refusal: z.string().nullish(),
          images: z.array(z.object({ image_url: z.object({ url: z.string() }) })).nullish(),
        }),
        finish_reason: name,
      }),
    )
    .min(1),
  usage: chatUsage.nullish(),
});

/** A completion that may hold pictures. */
export type PicturesAnswer = {
  readonly id: string | null;
  readonly model: string;
  readonly provider: string | null;
  readonly finishReason: string | null;
  /** What the model said beside, or instead. */
  readonly text: string;
  readonly usage: z.infer<typeof chatUsage> | undefined;
  readonly pictures: readonly Uint8Array[];
};

/**
 * Reads a completion. PROVIDER_MODERATED where an error in it says so; BACKEND_FAILED for any other error under HTTP 200,
 * for an answer of another form, and for a picture that is a link: no address is asked that an answer names.
 */
export function readPictures(call: HttpCall, json: unknown): PicturesAnswer {
  const error = errorIn(json);
  if (error !== undefined) throw faultOf(call, error);
  const read = picturesAnswer.safeParse(json);
  const choice = read.data?.choices[0];
  if (!read.success || choice === undefined) {
    throw failed(call, 'an answer of another form', JSON.stringify(json));
  }
  const { id = null, model, provider = null, usage } = read.data;
  const { content, refusal, images } = choice.message;
  return {
    id,
    model,
    provider,
    finishReason: choice.finish_reason ?? null,
    text: content || refusal || '',
    usage: usage ?? undefined,
    pictures: (images ?? []).map(({ image_url: { url } }) => bytesOf(call, url)),
  };
}

const withError = z.object({ error: z.looseObject({}) });
const withChoices = z.object({ choices: z.array(z.unknown()) });

/** An error that stands for the whole answer, or for its first choice. */
function errorIn(json: unknown): unknown {
  if (withError.safeParse(json).success) return json;
  const first = withChoices.safeParse(json).data?.choices[0];
  return withError.safeParse(first).success ? first : undefined;
}

function faultOf(call: HttpCall, json: unknown): BackendError {
  const code = machineCodeOf(json);
  const broken = failed(
    call,
    code === undefined ? 'an error in the answer' : `an error in the answer: ${code}`,
    JSON.stringify(json),
  );
  return moderated({ backend: call.backend, status: 200, json, evidence: broken.evidence }) ?? broken;
}

function bytesOf(call: HttpCall, url: string): Uint8Array {
  const comma = url.indexOf(',');
  const isData = /^data:[\w.+/-]+(;[\w.=-]+)*;base64$/i.test(url.slice(0, Math.max(comma, 0)));
  if (!isData) throw failed(call, 'a link where a picture was asked for', url);
  return Buffer.from(url.slice(comma + 1), 'base64');
}

const failed = ({ backend, apiKey }: HttpCall, what: string, body: string): BackendError =>
  new BackendError('BACKEND_FAILED', { backend, what }, { body: quoted(body, apiKey) });

import { LedgerError } from '../../../errors.ts';
import { below, hostOf } from '../address.ts';
import { BackendError } from '../backend-error.ts';
import { within } from '../deadline.ts';
import { postJson, readJson, tokenHeader } from '../http-call.ts';
import { type HttpCall, maxMediaAnswerBytes } from '../http-contract.ts';
import { quoted } from '../http-refusal.ts';
import type { MediaBackend, MediaRequest, MediaResponse } from '../media-backend.ts';
import { readMediumHeader } from '../medium-header.ts';
import { namedModel } from '../named-model.ts';
import { usageOf } from '../openai/chat-chunk.ts';
import { chatMessage } from '../openai/chat-request.ts';
import { defaultTimeouts } from '../timeouts.ts';
import { moderated } from './moderation.ts';
import type { OpenrouterOptions } from './openrouter-text.ts';
import { type PicturesAnswer, readPictures } from './picture-answer.ts';

/**
 * Pictures by OpenRouter: one completion, not streamed. Size and format are read out of the pictures, since a model makes
 * what size it likes; `seed` is null, and no parameter is sent. `remoteHost` is always set: the text leaves the house.
 *
 * Rejects with OUTPUT_UNSUPPORTED for other media; PROVIDER_MODERATED where a provider refuses the content;
 * BACKEND_FAILED "answered without a picture" with the model's words as evidence; TIMEOUT after `timeouts.totalMs`; else
 * as {@link postJson} does.
 */
export function openrouterMedia({
  url,
  apiKey,
  clock,
  timeouts = pictureTimeouts,
}: OpenrouterOptions): MediaBackend {
  const call: HttpCall = {
    backend: 'openrouter',
    url: below(url, '/chat/completions'),
    timeouts,
    maxAnswerBytes: maxMediaAnswerBytes,
    apiKey,
    refusal: moderated,
  };
  const limit = { what: 'The picture of openrouter', timeoutMs: timeouts.totalMs };
  return {
    name: 'openrouter',
    async generate(request, signal) {
      const body = bodyOf(request);
      const started = clock();
      const { answer, generationId } = await within(limit, signal, (ended) =>
        postJson(call, body, ended, async (reply) => ({
          answer: readPictures(call, await readJson(call, reply)),
          generationId: tokenHeader(reply, 'x-generation-id'),
        })),
      );
      const executionSeconds = clock() - started;
      refuseWithoutPicture(call, answer);
      return { ...responseOf(answer, generationId), executionSeconds, remoteHost: hostOf(url) };
    },
  };
}

/** An answer comes in one piece: until the picture is done, there may be no byte of it. */
const { totalMs } = defaultTimeouts('remote', 'image');
const pictureTimeouts = { ...defaultTimeouts('remote', 'image'), firstByteMs: totalMs };

function bodyOf({ mediaType, model, prompt, images }: MediaRequest): object {
  if (mediaType !== 'image')
    throw new LedgerError('OUTPUT_UNSUPPORTED', { backend: 'openrouter', mediaType });
  return {
    model: namedModel('openrouter', { model }),
    messages: [chatMessage('openrouter', { prompt, images })],
    modalities: ['image', 'text'],
    stream: false,
    usage: { include: true },
  };
}

function refuseWithoutPicture({ backend, apiKey }: HttpCall, answer: PicturesAnswer): void {
  const { pictures, finishReason, text } = answer;
  if (pictures.length > 0) return;
  const evidence = { body: quoted(text, apiKey) };
  if (finishReason === 'content_filter') {
    throw new BackendError('PROVIDER_MODERATED', { backend, reasons: [finishReason] }, evidence);
  }
  throw new BackendError('BACKEND_FAILED', { backend, what: 'answered without a picture' }, evidence);
}

function responseOf(
  { id, model, provider, finishReason, text, usage, pictures }: PicturesAnswer,
  generationId: string | undefined,
): Omit<MediaResponse, 'executionSeconds'> {
  return {
    media: pictures.map((bytes) => ({ body: { bytes }, metadata: readMediumHeader(bytes) })),
    model,
    backend: 'openrouter',
    seed: null,
    usage: { ...(usage === undefined ? {} : usageOf(usage)), images: pictures.length },
    metadata: {
      id,
      finish_reason: finishReason,
      ...(provider === null ? {} : { provider }),
      ...(generationId === undefined ? {} : { generation_id: generationId }),
      ...(text === '' ? {} : { text }),
    },
  };
}

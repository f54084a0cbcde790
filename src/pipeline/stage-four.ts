import { catalogue, type CatalogueEntry } from '../events/catalogue.ts';
import type { MediaType } from '../events/core.ts';
import type { ItemDraft } from '../events/item.ts';
import { LedgerError } from '../errors.ts';
import type { MediaRequest, MediaResponse, ProducedMedium } from './backends/media-backend.ts';
import { askMedia } from './ask.ts';
import { failureOf, inStage, StageFailure } from './failure.ts';
import type { PlannedOutput, Stage } from './plan.ts';
import type { FinalText } from './stage-two.ts';

/**
 * Stage 4, once per output: makes the media, stores them, and only then records the items that name them. A failure is
 * an item of this output, and the next output goes on. Returns how many outputs were generated: 0, 1 or, of a batch, more.
 */
export async function stageFour(
  final: FinalText,
  output: PlannedOutput,
  loop: number,
  stage: Stage,
): Promise<number> {
  const { plan, ports, emit, signal } = stage;
  const request: MediaRequest = {
    config: output.config,
    mediaType: output.mediaType,
    prompt: final.text,
    model: output.model,
    seed: plan.seed,
    parameters: output.parameters,
  };
  const common = { stage: 4, loop_iteration: loop, config_used: output.config } as const;
  let made: { readonly response: MediaResponse; readonly media: readonly StoredMedium[] };
  try {
    made = await inStage(4, signal, async () => {
      const response = await askMedia(ports.mediaBackendOf(output), request, signal);
      return { response, media: await storeAll(response, output, stage) };
    });
  } catch (error) {
    if (!(error instanceof StageFailure)) throw error;
    const { type, message, isRecoverable } = failureOf(error.cause);
    await emit({
      ...common,
      item_type: 'output_failed',
      media_type: 'metadata',
      content: message,
      metadata: {
        error_type: type,
        error_message: message,
        recoverable: isRecoverable,
        request: recordedRequest(request),
      },
    });
    return 0;
  }
  const { response, media } = made;
  for (const [index, medium] of media.entries()) {
    await emit({
      ...common,
      ...medium.item,
      model_used: response.model,
      backend_used: response.backend,
      // The call took its time once, however many media it gave.
      execution_time: index === 0 ? response.executionSeconds : null,
      metadata: {
        ...response.metadata,
        ...medium.metadata,
        ...(response.seed === null ? {} : { seed: response.seed }),
        ...(media.length > 1 ? { batch_index: index } : {}),
        request: recordedRequest(request),
      },
    });
  }
  return media.length;
}

type StoredMedium = {
  readonly item: Pick<ItemDraft, 'media_type' | 'content' | 'file_path'> & { readonly item_type: string };
  readonly metadata: Readonly<Record<string, unknown>>;
};

const recordedRequest = ({ prompt, model, seed, parameters }: MediaRequest): Record<string, unknown> => ({
  prompt,
  model,
  seed,
  parameters,
});

/** All media of a response, each durable. Nothing is recorded before the last of them is. */
async function storeAll(
  response: MediaResponse,
  output: PlannedOutput,
  { ports, signal }: Stage,
): Promise<readonly StoredMedium[]> {
  const { backend } = response;
  const refused = (what: string): LedgerError => new LedgerError('OUTPUT_UNEXPECTED', { backend, what });
  const stored: StoredMedium[] = [];
  for (const medium of response.media) {
    stored.push(await storeOne(medium, output, ports.media, signal, refused));
  }
  return stored;
}

async function storeOne(
  { body, metadata }: ProducedMedium,
  { mediaType }: PlannedOutput,
  sink: Stage['ports']['media'],
  signal: AbortSignal,
  refused: (what: string) => LedgerError,
): Promise<StoredMedium> {
  const item = { item_type: outputTypeOf(mediaType), media_type: mediaType };
  if ('text' in body) {
    if (mediaType !== 'text' && mediaType !== 'code')
      throw refused(`a text where ${mediaType} was asked for`);
    return { item: { ...item, content: body.text }, metadata: { ...metadata, chars: body.text.length } };
  }
  const { sha256, mediaType: mime, sizeBytes } = await sink.put(body.bytes, signal);
  if (!expectedMime[mediaType].test(mime)) throw refused(`${mime} where ${mediaType} was asked for`);
  return {
    item: { ...item, file_path: `/api/media/${sha256}` },
    metadata: { ...metadata, sha256, size_bytes: sizeBytes, mime },
  };
}

/** What the bytes of each medium may look like. */
const expectedMime: Readonly<Record<MediaType, RegExp>> = {
  text: /^text\//,
  image: /^image\//,
  audio: /^(audio|video)\//,
  music: /^(audio|video)\//,
  video: /^video\//,
  '3d': /^(model|text|application)\//,
  code: /^text\//,
  metadata: /^$/,
};

/** The item type that delivers a medium, by the catalogue. */
function outputTypeOf(media: MediaType): string {
  const entries: readonly (readonly [string, CatalogueEntry])[] = Object.entries(catalogue);
  const found = entries.find(([, entry]) => entry.effect === 'deliver_output' && entry.media === media);
  if (found === undefined)
    throw new LedgerError('OUTPUT_UNSUPPORTED', { backend: 'catalogue', mediaType: media });
  return found[0];
}

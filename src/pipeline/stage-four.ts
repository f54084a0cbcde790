import type { CatalogueEntry } from '../events/catalogue-entry.ts';
import { catalogue } from '../events/catalogue.ts';
import type { MediaType } from '../events/core.ts';
import type { ItemDraft } from '../events/item.ts';
import { LedgerError } from '../errors.ts';
import type { MediaBackend, MediaRequest, MediaResponse, ProducedMedium } from './backends/media-backend.ts';
import { askMedia } from './ask.ts';
import { sha256Hex } from '../events/digest.ts';
import { lookAtOutput, withheldItem } from './look.ts';
import { failureOf, ProviderRefusal, StageFailure } from './failure.ts';
import type { PlannedOutput, Stage } from './plan.ts';
import type { TextIn } from './progress.ts';
import { refusedOutput } from './provider-refusal.ts';
import { takeStep } from './step.ts';

/**
 * Stage 4, once per output: makes the media, stores them, and only then records the items that name them, all in one. A
 * failure is an item of this output, and the next output goes on; so is a provider's refusal, which is a decision. Returns
 * how many media were generated: 0, 1 or, of a batch, more.
 */
export async function stageFour(
  final: TextIn,
  output: PlannedOutput,
  backend: MediaBackend,
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
    images: await Promise.all(plan.inputImages.map(({ sha256 }) => ports.readMedium(sha256, signal))),
  };
  const step = { id: `output-${loop}`, stage: 4, loop, config: output.config, model: output.model };
  try {
    const { response, usage } = await takeStep(step, stage, async () => {
      const made = await askMedia(backend, request, signal);
      const looked = await lookAtAll(made, output, loop, stage);
      // What is refused is never stored, so nobody can ever be served it.
      const stored = looked.withheld === undefined ? await storeAll(made, output, stage) : [];
      return { ...made, looked, stored };
    });
    const { stored, looked } = response;
    const items = stored.map((medium, index) => outputItem(medium, index, response, request, loop));
    await emit(...looked.items, ...(looked.withheld ?? []), ...items, ...usage);
    return items.length;
  } catch (error) {
    if (error instanceof ProviderRefusal) await emit(...refusedOutput(error, final, output, loop, stage));
    else if (error instanceof StageFailure) await emit(failedItem(error, request, loop));
    else throw error;
    return 0;
  }
}

/** One refused medium withholds the whole output: its others were made of the same text by the same call. */
async function lookAtAll(
  { media }: MediaResponse,
  output: PlannedOutput,
  loop: number,
  stage: Stage,
): Promise<{ readonly items: readonly ItemDraft[]; readonly withheld: readonly ItemDraft[] | undefined }> {
  const items: ItemDraft[] = [];
  for (const { body } of media) {
    if ('text' in body) continue;
    const sha256 = sha256Hex(body.bytes);
    const look = await lookAtOutput(body.bytes, sha256, output, loop, stage);
    items.push(...look.items);
    if (look.refusal !== null)
      return { items, withheld: [withheldItem(look.refusal, sha256, output, loop, stage)] };
  }
  return { items, withheld: undefined };
}

function failedItem({ cause }: StageFailure, request: MediaRequest, loop: number): ItemDraft {
  const { type, message, isRecoverable } = failureOf(cause);
  return {
    item_type: 'output_failed',
    stage: 4,
    loop_iteration: loop,
    config_used: request.config,
    media_type: 'metadata',
    content: message,
    metadata: {
      error_type: type,
      error_message: message,
      recoverable: isRecoverable,
      request: recordedRequest(request),
    },
  };
}

function outputItem(
  { item, metadata }: StoredMedium,
  index: number,
  response: MediaResponse,
  request: MediaRequest,
  loop: number,
): ItemDraft {
  return {
    ...item,
    stage: 4,
    loop_iteration: loop,
    config_used: request.config,
    model_used: response.model,
    backend_used: response.backend,
    // The call took its time once, however many media it gave.
    execution_time: index === 0 ? response.executionSeconds : null,
    metadata: {
      ...response.metadata,
      ...metadata,
      model_digest: response.modelDigest,
      remote_host: response.remoteHost,
      ...(response.seed === null ? {} : { seed: response.seed }),
      ...(response.media.length > 1 ? { batch_index: index } : {}),
      request: recordedRequest(request),
    },
  };
}

type StoredMedium = {
  readonly item: Pick<ItemDraft, 'media_type' | 'content' | 'file_path'> & { readonly item_type: string };
  readonly metadata: Readonly<Record<string, unknown>>;
};

/** Pictures are told by how many went along: the input items name them. */
const recordedRequest = ({ prompt, model, seed, parameters, images = [] }: MediaRequest) => ({
  prompt,
  model,
  seed,
  parameters,
  ...(images.length === 0 ? {} : { input_images: images.length }),
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

import { z } from 'zod';
import { BackendError } from '../backend-error.ts';

/** The most media of one job. */
const maxBatchSize = 16;

/** What every graph takes from an output config's `parameters`, and what it takes where they say nothing. */
const sampling = (defaults: {
  readonly steps: number;
  readonly cfg_scale: number;
  readonly sampler: string;
  readonly scheduler: string;
}) => ({
  steps: z.int().default(defaults.steps),
  cfg_scale: z.number().default(defaults.cfg_scale),
  sampler: z.string().default(defaults.sampler),
  scheduler: z.string().default(defaults.scheduler),
  batch_size: z.int().min(1).max(maxBatchSize).default(1),
  /** Files of text encoders, where the model's own file has none. */
  text_encoders: z.array(z.string()).min(1).max(3).optional(),
  /** The file of the VAE, where the model's own file has none. */
  vae: z.string().optional(),
});

/** ComfyUI's core saves pictures as PNG only. */
const picture = {
  width: z.int().default(1024),
  height: z.int().default(1024),
  format: z.literal('png').default('png'),
};

const sound = { duration_seconds: z.number(), format: z.enum(['flac', 'mp3']) };

export const sd35Parameters = z.object({
  ...sampling({ steps: 25, cfg_scale: 5.5, sampler: 'euler', scheduler: 'sgm_uniform' }),
  ...picture,
});

/** `cfg_scale` is the guidance that the model was distilled with, not a second pass without the prompt. */
export const fluxParameters = z.object({
  ...sampling({ steps: 20, cfg_scale: 3.5, sampler: 'euler', scheduler: 'simple' }),
  ...picture,
});

export const stableAudioParameters = z.object({
  ...sampling({ steps: 50, cfg_scale: 5, sampler: 'dpmpp_3m_sde_gpu', scheduler: 'exponential' }),
  duration_seconds: sound.duration_seconds.default(30),
  format: sound.format.default('flac'),
  text_encoders: z.array(z.string()).min(1).max(3).default(['t5_base.safetensors']),
});

export const aceStepParameters = z.object({
  ...sampling({ steps: 50, cfg_scale: 5, sampler: 'euler', scheduler: 'simple' }),
  duration_seconds: sound.duration_seconds.default(60),
  format: sound.format.default('mp3'),
  lyrics: z.string().default(''),
});

/** Parameters as a graph takes them; those it has no use for are left out. BACKEND_REFUSED names the first wrong one. */
export function readParameters<T>(schema: z.ZodType<T>, parameters: Readonly<Record<string, unknown>>): T {
  const read = schema.safeParse(parameters);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  const what = `parameter ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is not valid'}`;
  throw new BackendError('BACKEND_REFUSED', { backend: 'comfyui', what });
}

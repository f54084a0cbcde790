import { LedgerError } from '../../../errors.ts';
import type { MediaRequest } from '../media-backend.ts';
import { namedModel } from '../named-model.ts';
import type { Graph, GraphNode, Link } from './graph.ts';
import {
  aceStepParameters,
  fluxParameters,
  readParameters,
  sd35Parameters,
  stableAudioParameters,
} from './graph-parameters.ts';

type Asked = {
  /** Goes into the positive text as it is. */
  readonly prompt: string;
  /** A file of ComfyUI's model folders. */
  readonly model: string;
  readonly seed: number;
  readonly parameters: Readonly<Record<string, unknown>>;
};

type Template = {
  readonly makes: readonly string[];
  readonly build: (asked: Asked) => Graph;
};

/** The graphs that an output config may name as `parameters.graph`. */
const templates = new Map<string, Template>([
  ['sd35', { makes: ['image'], build: sd35 }],
  ['flux', { makes: ['image'], build: flux }],
  ['stable_audio', { makes: ['audio', 'music'], build: stableAudio }],
  ['ace_step', { makes: ['music', 'audio'], build: aceStep }],
]);

/**
 * The job for a request, by the template that its parameters name, else the one for its medium. OUTPUT_UNSUPPORTED where
 * there is none; BACKEND_REFUSED without a model, or with parameters that no graph can hold.
 */
export function buildGraph(request: MediaRequest): Graph {
  const { mediaType, model, prompt, seed, parameters } = request;
  const name = parameters['graph'] ?? defaultTemplate(mediaType, model);
  const template = typeof name === 'string' ? templates.get(name) : undefined;
  if (template === undefined || !template.makes.includes(mediaType)) {
    throw new LedgerError('OUTPUT_UNSUPPORTED', { backend: 'comfyui', mediaType });
  }
  return template.build({ prompt, model: fileOf(namedModel('comfyui', request)), seed, parameters });
}

function defaultTemplate(mediaType: string, model: string | null): string | undefined {
  switch (mediaType) {
    case 'image':
      return /flux/i.test(model ?? '') ? 'flux' : 'sd35';
    case 'audio':
      return 'stable_audio';
    case 'music':
      return 'ace_step';
    default:
      return undefined;
  }
}

/** ComfyUI knows models by their files: `sd3.5_large` is `sd3.5_large.safetensors`. */
const fileOf = (model: string): string =>
  /\.(safetensors|sft|ckpt|pt|pth|bin|gguf)$/.test(model) ? model : `${model}.safetensors`;

/** Constant, so that the same request is the same graph; ComfyUI counts the files up itself. */
const filename_prefix = 'runledger';

function sd35({ prompt, model, seed, parameters }: Asked): Graph {
  const p = readParameters(sd35Parameters, parameters);
  const loaded = load(model, p, 'sd3');
  return {
    ...loaded.nodes,
    ...texts(prompt, loaded.clip),
    latent: node('EmptySD3LatentImage', { width: p.width, height: p.height, batch_size: p.batch_size }),
    sampler: sampler({ model: loaded.model, seed, ...p, cfg: p.cfg_scale }),
    ...savedPicture(loaded.vae),
  };
}

function flux({ prompt, model, seed, parameters }: Asked): Graph {
  const p = readParameters(fluxParameters, parameters);
  const loaded = load(model, p, 'flux');
  return {
    ...loaded.nodes,
    ...texts(prompt, loaded.clip),
    guidance: node('FluxGuidance', { conditioning: ['positive', 0], guidance: p.cfg_scale }),
    latent: node('EmptySD3LatentImage', { width: p.width, height: p.height, batch_size: p.batch_size }),
    sampler: sampler({ model: loaded.model, seed, ...p, cfg: 1, positive: ['guidance', 0] }),
    ...savedPicture(loaded.vae),
  };
}

function stableAudio({ prompt, model, seed, parameters }: Asked): Graph {
  const p = readParameters(stableAudioParameters, parameters);
  const loaded = load(model, p, 'stable_audio');
  const { duration_seconds: seconds, batch_size } = p;
  return {
    ...loaded.nodes,
    ...texts(prompt, loaded.clip),
    timed: node('ConditioningStableAudio', {
      positive: ['positive', 0],
      negative: ['negative', 0],
      seconds_start: 0,
      seconds_total: seconds,
    }),
    latent: node('EmptyLatentAudio', { seconds, batch_size }),
    sampler: sampler({
      model: loaded.model,
      seed,
      ...p,
      cfg: p.cfg_scale,
      positive: ['timed', 0],
      negative: ['timed', 1],
    }),
    ...savedSound(loaded.vae, p.format),
  };
}

function aceStep({ prompt, model, seed, parameters }: Asked): Graph {
  const p = readParameters(aceStepParameters, parameters);
  const loaded = load(model, p, 'ace');
  const { duration_seconds: seconds, batch_size, lyrics } = p;
  return {
    ...loaded.nodes,
    positive: node('TextEncodeAceStepAudio', { clip: loaded.clip, tags: prompt, lyrics, lyrics_strength: 1 }),
    negative: node('ConditioningZeroOut', { conditioning: ['positive', 0] }),
    shifted: node('ModelSamplingSD3', { model: loaded.model, shift: 5 }),
    latent: node('EmptyAceStepLatentAudio', { seconds, batch_size }),
    sampler: sampler({ model: ['shifted', 0], seed, ...p, cfg: p.cfg_scale }),
    ...savedSound(loaded.vae, p.format),
  };
}

const node = (class_type: string, inputs: GraphNode['inputs']): GraphNode => ({ class_type, inputs });

type Loaded = { readonly nodes: Graph; readonly model: Link; readonly clip: Link; readonly vae: Link };

/** With encoders and a VAE of their own, the model's file is a bare diffusion model; else it is a checkpoint. */
function load(
  file: string,
  parts: { readonly text_encoders?: readonly string[] | undefined; readonly vae?: string | undefined },
  encoderType: string,
): Loaded {
  const { text_encoders: encoders, vae } = parts;
  const isBare = encoders !== undefined && vae !== undefined;
  return {
    nodes: {
      model: isBare
        ? node('UNETLoader', { unet_name: file, weight_dtype: 'default' })
        : node('CheckpointLoaderSimple', { ckpt_name: file }),
      ...(encoders === undefined ? {} : { encoders: encoderLoader(encoders, encoderType) }),
      ...(vae === undefined ? {} : { vae: node('VAELoader', { vae_name: vae }) }),
    },
    model: ['model', 0],
    clip: encoders === undefined ? ['model', 1] : ['encoders', 0],
    vae: vae === undefined ? ['model', 2] : ['vae', 0],
  };
}

function encoderLoader([first = '', second, third]: readonly string[], type: string): GraphNode {
  if (second === undefined) return node('CLIPLoader', { clip_name: first, type });
  const two = { clip_name1: first, clip_name2: second };
  if (third === undefined) return node('DualCLIPLoader', { ...two, type });
  return node('TripleCLIPLoader', { ...two, clip_name3: third });
}

const texts = (prompt: string, clip: Link): Graph => ({
  positive: node('CLIPTextEncode', { clip, text: prompt }),
  negative: node('CLIPTextEncode', { clip, text: '' }),
});

const sampler = (of: {
  readonly model: Link;
  readonly seed: number;
  readonly steps: number;
  readonly cfg: number;
  readonly sampler: string;
  readonly scheduler: string;
  readonly positive?: Link;
  readonly negative?: Link;
}): GraphNode =>
  node('KSampler', {
    model: of.model,
    positive: of.positive ?? ['positive', 0],
    negative: of.negative ?? ['negative', 0],
    latent_image: ['latent', 0],
    seed: of.seed,
    steps: of.steps,
    cfg: of.cfg,
    sampler_name: of.sampler,
    scheduler: of.scheduler,
    denoise: 1,
  });

const savedPicture = (vae: Link): Graph => ({
  decoded: node('VAEDecode', { samples: ['sampler', 0], vae }),
  saved: node('SaveImage', { images: ['decoded', 0], filename_prefix }),
});

const savedSound = (vae: Link, format: 'flac' | 'mp3'): Graph => ({
  decoded: node('VAEDecodeAudio', { samples: ['sampler', 0], vae }),
  saved:
    format === 'flac'
      ? node('SaveAudio', { audio: ['decoded', 0], filename_prefix })
      : node('SaveAudioMP3', { audio: ['decoded', 0], filename_prefix, quality: 'V0' }),
});

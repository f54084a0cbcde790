/**
 * The node classes of ComfyUI that our graphs use, with the inputs they need, and the checks that ComfyUI makes before it
 * takes a job. Stricter than the real one in two things: a number must be a number, and a size a multiple of 8.
 */

export type Graph = Readonly<Record<string, Node>>;
type Node = { readonly class_type: string; readonly inputs: Readonly<Record<string, unknown>> };

/** What ComfyUI answers with status 400, or with 200 beside what it takes. */
export type Fault = { readonly type: string; readonly message: string; readonly details: string };
type NodeErrors = Record<string, { class_type: string; errors: Fault[]; dependent_outputs: string[] }>;
export type Verdict =
  | { readonly taken: true; readonly node_errors: NodeErrors }
  | { readonly taken: false; readonly error: Fault; readonly node_errors: NodeErrors };

type Input =
  | { readonly link: string }
  | { readonly text: true }
  | { readonly whole: readonly [min: number, max: number]; readonly step?: number }
  | { readonly number: readonly [min: number, max: number] }
  | { readonly oneOf: readonly string[] };

type NodeClass = {
  readonly inputs: Readonly<Record<string, Input>>;
  readonly gives: readonly string[];
  readonly isOutput?: true;
};

const link = (type: string): Input => ({ link: type });
const text: Input = { text: true };
const whole = (min: number, max: number, step?: number): Input =>
  step === undefined ? { whole: [min, max] } : { whole: [min, max], step };
const number = (min: number, max: number): Input => ({ number: [min, max] });
const oneOf = (...values: readonly string[]): Input => ({ oneOf: values });

const checkpoints = [
  'sd3.5_large.safetensors',
  'flux1-dev.safetensors',
  'stable_audio_open_1.0.safetensors',
  'ace_step_v1_3.5b.safetensors',
];
const encoders = [
  'clip_l.safetensors',
  'clip_g.safetensors',
  't5xxl_fp16.safetensors',
  't5_base.safetensors',
];
const samplers = ['euler', 'euler_ancestral', 'heun', 'dpmpp_2m', 'dpmpp_3m_sde_gpu', 'ddim', 'uni_pc'];
const schedulers = ['simple', 'sgm_uniform', 'karras', 'exponential', 'normal', 'beta'];
const batch = whole(1, 4096);
const seconds = number(1, 1000);
const size = whole(16, 16_384, 8);

const classes: Readonly<Record<string, NodeClass>> = {
  CheckpointLoaderSimple: { inputs: { ckpt_name: oneOf(...checkpoints) }, gives: ['MODEL', 'CLIP', 'VAE'] },
  UNETLoader: {
    inputs: { unet_name: oneOf(...checkpoints), weight_dtype: oneOf('default', 'fp8_e4m3fn') },
    gives: ['MODEL'],
  },
  VAELoader: { inputs: { vae_name: oneOf('ae.safetensors') }, gives: ['VAE'] },
  CLIPLoader: {
    inputs: { clip_name: oneOf(...encoders), type: oneOf('sd3', 'stable_audio', 'ace') },
    gives: ['CLIP'],
  },
  DualCLIPLoader: {
    inputs: {
      clip_name1: oneOf(...encoders),
      clip_name2: oneOf(...encoders),
      type: oneOf('sdxl', 'sd3', 'flux', 'ace'),
    },
    gives: ['CLIP'],
  },
  TripleCLIPLoader: {
    inputs: {
      clip_name1: oneOf(...encoders),
      clip_name2: oneOf(...encoders),
      clip_name3: oneOf(...encoders),
    },
    gives: ['CLIP'],
  },
  CLIPTextEncode: { inputs: { text, clip: link('CLIP') }, gives: ['CONDITIONING'] },
  FluxGuidance: {
    inputs: { conditioning: link('CONDITIONING'), guidance: number(0, 100) },
    gives: ['CONDITIONING'],
  },
  ConditioningZeroOut: { inputs: { conditioning: link('CONDITIONING') }, gives: ['CONDITIONING'] },
  ConditioningStableAudio: {
    inputs: {
      positive: link('CONDITIONING'),
      negative: link('CONDITIONING'),
      seconds_start: number(0, 1000),
      seconds_total: number(0, 1000),
    },
    gives: ['CONDITIONING', 'CONDITIONING'],
  },
  TextEncodeAceStepAudio: {
    inputs: { clip: link('CLIP'), tags: text, lyrics: text, lyrics_strength: number(0, 10) },
    gives: ['CONDITIONING'],
  },
  ModelSamplingSD3: { inputs: { model: link('MODEL'), shift: number(0, 100) }, gives: ['MODEL'] },
  EmptySD3LatentImage: { inputs: { width: size, height: size, batch_size: batch }, gives: ['LATENT'] },
  EmptyLatentAudio: { inputs: { seconds, batch_size: batch }, gives: ['LATENT'] },
  EmptyAceStepLatentAudio: { inputs: { seconds, batch_size: batch }, gives: ['LATENT'] },
  KSampler: {
    inputs: {
      model: link('MODEL'),
      positive: link('CONDITIONING'),
      negative: link('CONDITIONING'),
      latent_image: link('LATENT'),
      seed: whole(0, Number.MAX_SAFE_INTEGER),
      steps: whole(1, 10_000),
      cfg: number(0, 100),
      sampler_name: oneOf(...samplers),
      scheduler: oneOf(...schedulers),
      denoise: number(0, 1),
    },
    gives: ['LATENT'],
  },
  VAEDecode: { inputs: { samples: link('LATENT'), vae: link('VAE') }, gives: ['IMAGE'] },
  VAEDecodeAudio: { inputs: { samples: link('LATENT'), vae: link('VAE') }, gives: ['AUDIO'] },
  SaveImage: { inputs: { images: link('IMAGE'), filename_prefix: text }, gives: [], isOutput: true },
  SaveAudio: { inputs: { audio: link('AUDIO'), filename_prefix: text }, gives: [], isOutput: true },
  SaveAudioMP3: {
    inputs: { audio: link('AUDIO'), filename_prefix: text, quality: oneOf('V0', '128k', '320k') },
    gives: [],
    isOutput: true,
  },
};

/** Says whether ComfyUI takes a graph: it does where at least one output node and all that it needs are in order. */
export function judge(prompt: unknown): Verdict {
  if (typeof prompt !== 'object' || prompt === null || Array.isArray(prompt)) {
    return refused({ type: 'no_prompt', message: 'No prompt provided', details: '' });
  }
  const graph = prompt as Graph;
  for (const [id, { class_type: type }] of Object.entries(graph)) {
    if (classes[type] === undefined) {
      const message = `Node '${type}' not found. The custom node may not be installed.`;
      return refused({ type: 'missing_node_type', message, details: `Node ID '#${id}'` });
    }
  }
  const outputs = Object.keys(graph).filter((id) => classOf(graph, id)?.isOutput === true);
  if (outputs.length === 0) {
    return refused({ type: 'prompt_no_outputs', message: 'Prompt has no outputs', details: '' });
  }
  const node_errors: NodeErrors = {};
  const good = outputs.filter((output) => {
    const needed = upstreamOf(graph, output);
    const bad = [...needed].filter((id) => {
      const errors = faultsOf(graph, id);
      if (errors.length === 0) return false;
      node_errors[id] ??= { class_type: graph[id]?.class_type ?? '', errors, dependent_outputs: [] };
      node_errors[id].dependent_outputs.push(output);
      return true;
    });
    return bad.length === 0;
  });
  if (good.length > 0) return { taken: true, node_errors };
  const details = Object.values(node_errors).flatMap(({ errors }) =>
    errors.map(({ message, details }) => `${message}: ${details}`),
  );
  return refused(
    {
      type: 'prompt_outputs_failed_validation',
      message: 'Prompt outputs failed validation',
      details: details.join('\n'),
    },
    node_errors,
  );
}

const refused = (error: Fault, node_errors: NodeErrors = {}): Verdict => ({
  taken: false,
  error,
  node_errors,
});

const classOf = (graph: Graph, id: string): NodeClass | undefined => classes[graph[id]?.class_type ?? ''];

/** A node and all that it is linked to. */
function upstreamOf(graph: Graph, id: string, found = new Set<string>()): ReadonlySet<string> {
  if (found.has(id) || graph[id] === undefined) return found;
  found.add(id);
  for (const value of Object.values(graph[id].inputs)) {
    if (Array.isArray(value)) upstreamOf(graph, String(value[0]), found);
  }
  return found;
}

function faultsOf(graph: Graph, id: string): Fault[] {
  const inputs = graph[id]?.inputs ?? {};
  return Object.entries(classOf(graph, id)?.inputs ?? {}).flatMap(([name, input]) => {
    const fault = name in inputs ? faultOf(graph, name, input, inputs[name]) : missing(name);
    return fault === undefined ? [] : [fault];
  });
}

const missing = (name: string): Fault => ({
  type: 'required_input_missing',
  message: 'Required input is missing',
  details: name,
});

function faultOf(graph: Graph, name: string, input: Input, value: unknown): Fault | undefined {
  const fault = (type: string, message: string): Fault => ({
    type,
    message,
    details: `${name}: ${JSON.stringify(value)}`,
  });
  if ('link' in input) {
    if (!Array.isArray(value) || value.length !== 2) return fault('bad_linked_input', 'Bad linked input');
    const [from, slot] = value as [string, number];
    if (classOf(graph, from)?.gives[slot] === input.link) return undefined;
    return fault('return_type_mismatch', 'Return type mismatch between linked nodes');
  }
  if ('text' in input) {
    return typeof value === 'string' ? undefined : fault('invalid_input_type', 'Not a STRING');
  }
  if ('oneOf' in input) {
    return input.oneOf.includes(value as string)
      ? undefined
      : fault('value_not_in_list', 'Value not in list');
  }
  const isWhole = 'whole' in input;
  if (typeof value !== 'number' || (isWhole && !Number.isInteger(value))) {
    return fault('invalid_input_type', 'Failed to convert an input value');
  }
  const [min, max] = isWhole ? input.whole : input.number;
  if (value < min) return fault('value_smaller_than_min', 'Value smaller than min');
  if (value > max) return fault('value_bigger_than_max', 'Value bigger than max');
  if (isWhole && input.step !== undefined && value % input.step !== 0) {
    return fault('custom_validation_failed', `Not a multiple of ${input.step}`);
  }
  return undefined;
}

import { z } from 'zod';

/** One output of another node: its id, and which of its outputs. */
export type Link = readonly [node: string, slot: number];

export type GraphNode = {
  readonly class_type: string;
  readonly inputs: Readonly<Record<string, string | number | Link>>;
};

/** A job in ComfyUI's "API format": nodes by their ids. */
export type Graph = Readonly<Record<string, GraphNode>>;

/** A graph as ComfyUI gives it back: it may have replaced nodes by others that we do not know. */
export const executedGraph = z.record(
  z.string(),
  z.looseObject({ class_type: z.string(), inputs: z.record(z.string(), z.unknown()) }),
);
export type ExecutedGraph = z.infer<typeof executedGraph>;

/** The nodes whose files are the result, by their ids. */
export const saveNodesOf = (graph: Graph): ReadonlySet<string> =>
  new Set(
    Object.entries(graph)
      .filter(([, { class_type: type }]) => type.startsWith('Save'))
      .map(([id]) => id),
  );

/** What a graph says of its own: the truth about model, seed and parameters, whatever was asked for. */
export type GraphSettings = {
  /** The file of the model; undefined where no node loads one. */
  readonly model: string | undefined;
  /** Null where there is none, or none that a JSON reader keeps exact. */
  readonly seed: number | null;
  readonly settings: Readonly<Record<string, string | number>>;
};

export function settingsOf(graph: ExecutedGraph | Graph): GraphSettings {
  const literals = new Map<string, string | number>();
  for (const { inputs } of Object.values(graph)) {
    for (const [name, value] of Object.entries(inputs)) {
      if ((typeof value === 'string' || typeof value === 'number') && !literals.has(name)) {
        literals.set(name, value);
      }
    }
  }
  const model = literals.get('ckpt_name') ?? literals.get('unet_name');
  const seed = literals.get('seed');
  const settings: Record<string, string | number> = {};
  for (const [name, input] of Object.entries(inputOf)) {
    const value = literals.get(input);
    if (value !== undefined) settings[name] = value;
  }
  return {
    model: typeof model === 'string' ? model : undefined,
    seed: Number.isSafeInteger(seed) ? Number(seed) : null,
    settings,
  };
}

/** Our name of a setting → the input that holds it. FLUX takes its `guidance` beside a `cfg_scale` of 1. */
const inputOf = {
  width: 'width',
  height: 'height',
  steps: 'steps',
  cfg_scale: 'cfg',
  guidance: 'guidance',
  sampler: 'sampler_name',
  scheduler: 'scheduler',
  duration_seconds: 'seconds',
  batch_size: 'batch_size',
} as const;

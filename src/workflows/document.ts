import { z } from 'zod';
import { mediaTypes } from '../events/core.ts';
import { canonicalBytes } from '../events/canonical.ts';
import { sha256Hex } from '../events/digest.ts';
import { localized } from '../events/localized.ts';
import { language, token } from '../events/token.ts';
import { LedgerError } from '../errors.ts';

/** A document in canonical bytes: with its seal and its core it must fit into one append. */
const maxDocumentBytes = 800 * 1024;

/** The media an output can be. */
const outputMediaTypes = mediaTypes.filter((media) => media !== 'metadata');
const outputMedia = z.enum(outputMediaTypes);
export const executionModes = ['eco', 'fast'] as const;
export type ExecutionMode = (typeof executionModes)[number];

/** Names a document for ever: it stands in its stream's name, in its file's and in its address. */
const documentId = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'must match [A-Za-z0-9][A-Za-z0-9._-]{0,127}');

const perMode = <T extends z.ZodType>(value: T) => z.strictObject({ eco: value, fast: value });
const model = z.string().min(1).max(128);
/** A document of JSON Schema, kept as it is. */
const jsonSchema = z.record(z.string(), z.unknown());

const parameters = z.strictObject({
  temperature: z.number().min(0).max(2).optional(),
  top_p: z.number().min(0).max(1).optional(),
  top_k: z.int().min(1).optional(),
  max_tokens: z.int().min(1).optional(),
  iterations: z.int().min(1).max(100).optional(),
  use_random_languages: z.boolean().optional(),
  languages: z.array(language).min(1).max(100).optional(),
  final_language: language.optional(),
  /** Outputs that are made at the same time. */
  concurrency: z.int().min(1).max(16).optional(),
});

const step = z.strictObject({
  id: token,
  role: z.string().min(1),
  task: z.string().min(1),
  inputs: z.array(token).max(64).default([]),
  outputs: z.array(token).max(64).default([]),
  output_schema: jsonSchema.optional(),
  allow_clarification: z.boolean().default(false),
  model: model.optional(),
});

const mediaPreferences = z.strictObject({
  /** `text` makes no output beside the final text. */
  default_output: outputMedia.default('image'),
  /** Output configs by id, in order; one that stands twice gives two outputs. */
  output_configs: z.array(token).max(16).optional(),
});

const described = {
  id: documentId,
  name: localized,
  description: localized,
} as const;

/** A workflow as it is stored, published and pinned by runs (domain.md §6). Closed: an unknown member is a mistake. */
export const workflowDocument = z
  .strictObject({
    ...described,
    pipeline: z.enum(['text_transformation', 'text_transformation_recursive', 'steps']),
    /** What a transformation is to follow: one text for every language, or one per language. */
    context: z.union([z.string(), localized]).default(''),
    instruction_type: token,
    parameters: parameters.default({}),
    media_preferences: mediaPreferences.default({ default_output: 'image' }),
    models: perMode(model).optional(),
    /** Per medium, the output config of each execution mode. */
    media_defaults: z.partialRecord(outputMedia, perMode(token)).default({}),
    visibility: z.enum(['private', 'public']).default('private'),
    meta: z.looseObject({ stage: z.enum(['interception', 'pre_output']) }).default({ stage: 'interception' }),
    audience: z.array(token).max(16).default([]),
    steps: z.array(step).min(1).max(64).optional(),
  })
  .superRefine((document, context) => {
    const hasSteps = document.steps !== undefined;
    if (hasSteps !== (document.pipeline === 'steps')) {
      const message = hasSteps
        ? `steps belong to the pipeline "steps", this one is ${document.pipeline}`
        : 'the pipeline "steps" needs steps';
      context.addIssue({ code: 'custom', path: ['steps'], message });
    }
    const ids = (document.steps ?? []).map(({ id }) => id);
    const twice = ids.find((id, index) => ids.indexOf(id) !== index);
    if (twice !== undefined) {
      context.addIssue({ code: 'custom', path: ['steps'], message: `step id ${twice} stands twice` });
    }
  });
export type WorkflowDocument = z.infer<typeof workflowDocument>;
/** A document as it is written: members with a default may be left out. */
export type WorkflowSource = z.input<typeof workflowDocument>;

/** What one kind of output is made with (domain.md §6). `meta.stage` tells it from a workflow. */
export const outputConfig = z.strictObject({
  ...described,
  media_type: outputMedia,
  backend: token,
  model,
  execution_mode: z.enum(executionModes),
  /** Sent to the backend as they are. */
  parameters: z.record(token, z.union([z.number(), z.string(), z.boolean()])).default({}),
  meta: z.looseObject({ stage: z.literal('output') }),
});
export type OutputConfig = z.infer<typeof outputConfig>;
export type OutputConfigSource = z.input<typeof outputConfig>;

/** Workflows and output configs are documents of one library, under one set of ids. */
export type LibraryDocument = WorkflowDocument | OutputConfig;

export const isOutputConfig = (document: LibraryDocument): document is OutputConfig =>
  document.meta.stage === 'output';

/** SHA-256 over the canonical JSON of a parsed document, hex: the version that a run pins. */
export const contentHash = (document: LibraryDocument): string => sha256Hex(canonicalBytes(document));

/** Parses a document of either kind. Throws WORKFLOW_INVALID with a pointer per fault. */
export function parseDocument(source: unknown): LibraryDocument {
  const isOutput = markedOutput.safeParse(source).success;
  const document = isOutput ? parsed(outputConfig, source) : parseWorkflow(source);
  const sizeBytes = canonicalBytes(document).byteLength;
  if (sizeBytes <= maxDocumentBytes) return document;
  const what = `it has ${sizeBytes} bytes, ${maxDocumentBytes} are the most`;
  throw new LedgerError('WORKFLOW_INVALID', { workflow: document.id, what });
}

/** Parses a workflow document. Throws WORKFLOW_INVALID with a pointer per fault. */
export function parseWorkflow(source: unknown): WorkflowDocument {
  return parsed(workflowDocument, source);
}

const markedOutput = z.object({ meta: z.object({ stage: z.literal('output') }) });

function parsed<T>(schema: z.ZodType<T>, source: unknown): T {
  const result = schema.safeParse(source);
  if (result.success) return result.data;
  const errors = result.error.issues.map(({ path, message }) => ({
    pointer: path.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join(''),
    detail: message,
  }));
  const id = z.object({ id: documentId }).safeParse(source);
  const [first] = errors;
  const what = first === undefined ? 'unreadable' : `${first.pointer} ${first.detail}`.trim();
  throw new LedgerError('WORKFLOW_INVALID', { workflow: id.success ? id.data.id : '?', what }, { errors });
}

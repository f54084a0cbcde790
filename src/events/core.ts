import { z } from 'zod';
import { utcTimePattern } from './time.ts';
import { base64Digest, keyedDigest, token } from './token.ts';

export const envelopeVersion = 1;
/** Taxonomy that our own items are written under. */
export const taxonomyVersion = '1.1';
/** A core in canonical bytes. */
export const maxCoreBytes = 60_000;

export const mediaTypes = ['text', 'image', 'audio', 'music', 'video', '3d', 'code', 'metadata'] as const;
export const mediaType = z.enum(mediaTypes);
export type MediaType = z.infer<typeof mediaType>;

export const itemTypePattern = /^[a-z][a-z0-9_]{1,63}$/;
export const itemTypeName = z.string().regex(itemTypePattern, 'must match [a-z][a-z0-9_]{1,63}');

const utcTime = z.string().regex(utcTimePattern);

/** Who caused an event. Persons only ever as an HMAC. */
export const actor = z.strictObject({ kind: z.enum(['service', 'client', 'importer', 'person']), id: token });
export type Actor = z.infer<typeof actor>;

/** The kept half of an event: a closed set of members, hashed and chained for ever (log.md §1). */
export const coreSchema = z.strictObject({
  v: z.literal(envelopeVersion),
  tax: token,
  id: z.uuid(),
  stream: z.string().min(1).max(200),
  seq: z.int().min(1),
  type: itemTypeName,
  prev: base64Digest,
  time: utcTime,
  recorded: utcTime.optional(),
  stage: z.int().min(0).max(5).optional(),
  stage_iteration: z.int().min(1).optional(),
  loop_iteration: z.int().min(1).optional(),
  media_type: mediaType.optional(),
  config_used: token.optional(),
  model_used: token.optional(),
  backend_used: token.optional(),
  /** Seconds. */
  execution_time: z.number().min(0).optional(),
  facts: z.record(z.string(), z.unknown()).optional(),
  actor: actor.optional(),
  subject: keyedDigest.optional(),
  cause: z.uuid().optional(),
  trace: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .optional(),
  request: keyedDigest.optional(),
  payload: z.strictObject({ commit: base64Digest, bytes: z.int().min(2) }).optional(),
});
/** Members of a core in canonical order. */
export const coreKeys: readonly string[] = Object.keys(coreSchema.shape).sort();
export type Core = z.infer<typeof coreSchema>;
/** A core before it is linked and sealed: all that deciding and folding look at. */
export type CoreDraft = Omit<Core, 'prev' | 'payload'>;

/** The erasable half: everything a person may have written, and everything free-form. */
export const payloadSchema = z.strictObject({
  content: z.string().optional(),
  file_path: z.string().optional(),
  metadata: z.record(z.string(), z.unknown()).optional(),
  user_id: z.string().optional(),
  session_id: z.string().optional(),
  /** Members of the item that the core has no room for: unknown ones, and known ones whose value is no token. */
  extra: z.record(z.string(), z.unknown()).optional(),
  /** Members of the run's record, on the first event only. */
  record: z.record(z.string(), z.unknown()).optional(),
});
/** Members of a payload in canonical order. */
export const payloadKeys: readonly string[] = Object.keys(payloadSchema.shape).sort();
export type Payload = z.infer<typeof payloadSchema>;

import { z } from 'zod';
import { decisionRecord, safetyLevel } from './decision.ts';
import { count, hexDigest, identifier, keyedDigest, language, seconds, token } from './token.ts';

export const startFacts = {
  config_name: token,
  execution_mode: z.enum(['eco', 'fast']),
  safety_level: safetyLevel,
  level_set_by: z.enum(['request', 'default', 'workflow']),
  seed: z.int(),
  workflow_sha256: hexDigest,
  policy: decisionRecord.shape.policy,
  /** HMAC of the body that the request key came with. */
  request_body: keyedDigest,
};
/** A check as an old writer recorded it had only these two; ours derives them from the record (decision.ts). */
export const checkFacts = {
  ...decisionRecord.shape,
  safe: z.boolean(),
  method: identifier,
  checked_terms: count,
  risk_level: identifier,
  confidence: z.number().min(0).max(1),
  false_positive: z.boolean(),
  codes: z.array(token).max(64),
};
export const blockFacts = {
  blocked_reason: identifier,
  blocked_codes: z.array(token).max(128),
  safety_level: safetyLevel,
  fallback: identifier,
  decided_by: z.uuid(),
};
export const skipFacts = {
  reason: z.enum(['level_research', 'checker_disabled', 'not_applicable']),
  allowed_by: token,
  check_point: decisionRecord.shape.check_point,
  policy: decisionRecord.shape.policy,
  safety_level: safetyLevel,
  level_set_by: decisionRecord.shape.level_set_by,
  /** Of the picture that was not checked. */
  sha256: hexDigest,
};
export const outputFacts = {
  width: count,
  height: count,
  format: identifier,
  seed: z.int(),
  cfg_scale: z.number(),
  steps: count,
  sampler: identifier,
  duration_seconds: seconds,
  sample_rate: count,
  channels: count,
  tempo_bpm: z.number().min(0),
  fps: z.number().min(0),
  vertices: count,
  polygons: count,
  sha256: hexDigest,
  size_bytes: count,
  mime: token,
  batch_index: count,
  chars: count,
  model_digest: token,
  /** Of the job that was submitted to the backend, canonical JSON. */
  graph_sha256: hexDigest,
  remote_host: token,
};
export const attempt = z.int().min(1);
/** The step of a run that something belongs to: `translation`, `interception-3`, `output-1` … */
export const stepNamed = { step_id: token, attempt };
export const failureFacts = {
  ...stepNamed,
  error_type: identifier,
  http_status: z.int().min(100).max(599),
  /** Had the answer begun? Then what came of it stands in the payload. */
  content_started: z.boolean(),
  will_retry: z.boolean(),
};
export const stepFacts = {
  from_lang: language,
  to_lang: language,
  model_digest: token,
  /** Who outside the house did the work: the text has left it. */
  remote_host: token,
};
export const exportFacts = {
  format: identifier,
  view: identifier,
  language,
  logs: z.boolean(),
  /** Runs that matched the filter; the filter itself may name persons and stands in the payload. */
  runs: count,
  /** HMAC of the body that the request key came with. */
  request_body: keyedDigest,
};
/** Who works at something, and for how many seconds after this event nobody else may. */
export const leaseFacts = { holder: token, seconds: z.int().min(1).max(600) };

const keyId = z.string().regex(/^[0-9a-f]{8}$/, 'must be 8 hex digits');
/** The root over the last events of all runs in the first `size` events of the log. */
export const runHeadsFacts = z.strictObject({ size: count, runs: count, root: hexDigest });
/** The parts of a signed note (src/ledger/ledger-stream.ts). */
export const checkpointFacts = z.strictObject({
  origin: token,
  size: count,
  root: hexDigest,
  key_id: keyId,
  /** Ed25519, base64url. */
  signature: z.string().regex(/^[A-Za-z0-9_-]{86}$/, 'must be 86 base64url characters'),
});
export const ledgerKeyFacts = z.strictObject({
  origin: token,
  key_id: keyId,
  /** Ed25519, base64url. */
  public_key: z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'must be 43 base64url characters'),
  /** The key that signed until then. */
  previous: keyId.optional(),
});
/** What was signed before the log went back to an older copy, and is in no log any more. */
export const restoreFacts = z.strictObject({
  lost_origin: token,
  lost_size: count,
  lost_root: hexDigest,
  /** The log that is gone on with. */
  size: count,
  root: hexDigest,
});

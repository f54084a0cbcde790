import { isObject, readCanonical } from './canonical-json.ts';

/** What a verifier reads of a core; everything else of it counts only by its hash. */
export type ProvenCore = {
  readonly stream: string;
  readonly seq: number;
  readonly type: string;
  readonly prev: string;
  /** RFC 3339, UTC. */
  readonly time: string;
  readonly facts: Readonly<Record<string, unknown>>;
  /** What kind of actor recorded it, such as `service`, `importer`, `person`. */
  readonly recordedBy: string | undefined;
  readonly payload: { readonly commit: string; readonly bytes: number } | undefined;
};

/** Reads a core (docs/log.md) without its schema; undefined for what is none, or is not in canonical spelling. */
export function readCore(text: string): ProvenCore | undefined {
  const core = readCanonical(text);
  if (!isObject(core)) return undefined;
  const { stream, seq, type, prev, time, facts = {}, actor = {}, payload } = core;
  if (core['v'] !== 1 || !isText(stream) || !Number.isSafeInteger(seq) || !isText(type)) return undefined;
  if (!isText(prev) || !isText(time) || !isObject(facts) || !isObject(actor)) return undefined;
  const { kind } = actor;
  return {
    stream,
    seq: seq as number,
    type,
    prev,
    time,
    facts,
    recordedBy: isText(kind) ? kind : undefined,
    payload: isCommitment(payload) ? payload : undefined,
  };
}

/** The document that a publication holds; undefined where there is none. */
export function documentIn(payload: Readonly<Record<string, unknown>> | undefined): unknown {
  const metadata = payload?.['metadata'];
  return isObject(metadata) ? metadata['document'] : undefined;
}

const isText = (value: unknown): value is string => typeof value === 'string';

const isCommitment = (value: unknown): value is { commit: string; bytes: number } =>
  isObject(value) && isText(value['commit']) && Number.isSafeInteger(value['bytes']);

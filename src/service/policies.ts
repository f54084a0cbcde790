import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { isLedgerError, LedgerError } from '../errors.ts';
import type { EventStore } from '../event-store/port.ts';
import { taxonomyVersion } from '../events/core.ts';
import { decodeEvent } from '../events/envelope.ts';
import { parseBody } from '../http/json-body.ts';
import { bundledPolicy } from '../safety/bundled-policy.ts';
import { createStreamWriter, type StreamKeys } from '../run/stream-writer.ts';
import { type ActivePolicy, activatePolicy, type PolicyReference } from '../safety/policy.ts';

/** A policy as it is published: the document, and how decisions refer to it. */
export type PublishedPolicy = {
  readonly id: string;
  readonly version: number;
  readonly sha256: string;
  readonly document: Readonly<Record<string, unknown>>;
};

/** A file of a policy that nobody could read in an afternoon. */
const maxPolicyBytes = 4 * 1_048_576;

/**
 * The policy that new runs are checked by: the house's own out of a file, else the bundled one. Throws POLICY_INVALID, with
 * a pointer for each fault, for a file that is not there or that is no policy.
 */
export async function readPolicy(file: string | undefined): Promise<ActivePolicy> {
  if (file === undefined) return activatePolicy(bundledPolicy);
  const refused = (what: string, cause: unknown): LedgerError =>
    new LedgerError('POLICY_INVALID', { what: `${basename(file)} ${what}` }, { cause });
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (error) {
    throw refused('cannot be read', error);
  }
  if (bytes.byteLength > maxPolicyBytes) throw refused(`has more than ${maxPolicyBytes} bytes`, undefined);
  try {
    return activatePolicy(parseBody(bytes));
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    const where = error.errors.map(({ pointer, detail }) => `${pointer} ${detail}`).join('; ');
    throw refused(where === '' ? error.message : where, error);
  }
}

type Parts = {
  readonly store: EventStore;
  readonly keys: StreamKeys;
  readonly clock: () => number;
  readonly newId: () => string;
};

/**
 * Publishes a policy into its stream unless this version stands there: a decision may only refer to what an auditor can
 * read. Throws POLICY_CHANGED for other content under a version that was published.
 */
export async function publishPolicy(parts: Parts, policy: PublishedPolicy): Promise<void> {
  const { id, version, sha256, document } = policy;
  const writer = createStreamWriter<ReadonlyMap<unknown, unknown>>({
    ...parts,
    initial: new Map(),
    fold: (digests, { facts }) => new Map(digests).set(facts?.['version'], facts?.['sha256']),
  });
  const metadata = { policy_id: id, version, sha256, document };
  try {
    await writer.write({
      stream: `policy-${id}`,
      actor: { kind: 'service', id: 'policies' },
      tax: taxonomyVersion,
      items: [{ draft: { item_type: 'policy_published', stage: 0, media_type: 'metadata', metadata } }],
      // Asked anew where another process came first.
      guard: (digests) => {
        if (digests.get(version) === sha256) throw new PolicyStands();
        if (digests.has(version)) throw new LedgerError('POLICY_CHANGED', { policy: id, version });
      },
      decide: () => undefined,
    });
  } catch (error) {
    if (!(error instanceof PolicyStands)) throw error;
  }
}

/** Why nothing is appended. */
class PolicyStands extends Error {
  constructor() {
    super('this version of the policy is published');
    this.name = 'PolicyStands';
  }
}

/**
 * Finds a published policy by the reference that a run has pinned, ready to be applied: the active one at once, an older
 * one out of its stream. Undefined where it was never published here or its document is erased. Throws POLICY_INVALID for
 * a document that this release cannot apply.
 */
export function createPolicyShelf(
  store: EventStore,
  keys: Pick<StreamKeys, 'keyOf'>,
  active: ActivePolicy,
): (reference: PolicyReference) => Promise<ActivePolicy | undefined> {
  const known = new Map([[active.reference.sha256, active]]);
  return async (reference) => {
    const { id, sha256 } = reference;
    const found = known.get(sha256);
    if (found !== undefined) return found;
    const document = await publishedDocument(store, keys, `policy-${id}`, sha256);
    if (document === undefined) return undefined;
    // By the hash it was published under, whatever a newer schema would add to the document.
    const policy = { ...activatePolicy(document), reference };
    known.set(sha256, policy);
    return policy;
  };
}

async function publishedDocument(
  store: EventStore,
  keys: Pick<StreamKeys, 'keyOf'>,
  stream: string,
  sha256: string,
): Promise<unknown> {
  try {
    for await (const stored of store.readStream(stream)) {
      const { core, payload } = decodeEvent(stored, keys.keyOf(stream));
      if (core.facts?.['sha256'] === sha256) return payload?.metadata?.['document'];
    }
  } catch (error) {
    if (!isLedgerError(error, 'STREAM_NOT_FOUND')) throw error;
  }
  return undefined;
}

/** How decisions refer to a published version; undefined where there is none. Its document may be erased. */
export async function publishedVersion(
  store: Pick<EventStore, 'readStream'>,
  id: string,
  version: number,
): Promise<PolicyReference | undefined> {
  try {
    for await (const stored of store.readStream(`policy-${id}`)) {
      const { facts } = decodeEvent(stored, undefined).core;
      const sha256 = facts?.['sha256'];
      if (facts?.['version'] === version && typeof sha256 === 'string') return { id, version, sha256 };
    }
  } catch (error) {
    // A name that no stream can have is not published either.
    if (!isLedgerError(error, 'STREAM_NOT_FOUND') && !isLedgerError(error, 'INVALID_APPEND')) throw error;
  }
  return undefined;
}

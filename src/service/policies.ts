import { isLedgerError, LedgerError } from '../errors.ts';
import type { EventStore } from '../event-store/port.ts';
import { taxonomyVersion } from '../events/core.ts';
import { decodeEvent } from '../events/envelope.ts';
import { createStreamWriter, type StreamKeys } from '../run/stream-writer.ts';

/** A policy as it is published: the document, and how decisions refer to it. */
export type PublishedPolicy = {
  readonly id: string;
  readonly version: number;
  readonly sha256: string;
  readonly document: Readonly<Record<string, unknown>>;
};

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
  const stream = `policy-${id}`;
  const published = await publishedDigest(parts.store, stream, version);
  if (published === sha256) return;
  if (published !== undefined) throw new LedgerError('POLICY_CHANGED', { policy: id, version });
  const writer = createStreamWriter({ ...parts, initial: null, fold: () => null });
  const metadata = { policy_id: id, version, sha256, document };
  await writer.write({
    stream,
    actor: { kind: 'service', id: 'policies' },
    tax: taxonomyVersion,
    items: [{ draft: { item_type: 'policy_published', stage: 0, media_type: 'metadata', metadata } }],
    decide: () => undefined,
  });
}

async function publishedDigest(
  store: EventStore,
  stream: string,
  version: number,
): Promise<string | undefined> {
  let digest: string | undefined;
  try {
    for await (const stored of store.readStream(stream)) {
      const { facts } = decodeEvent(stored, undefined).core;
      if (facts?.['version'] === version && typeof facts['sha256'] === 'string') digest = facts['sha256'];
    }
  } catch (error) {
    if (!isLedgerError(error, 'STREAM_NOT_FOUND')) throw error;
  }
  return digest;
}

import type { CoreDraft, Payload } from '../events/core.ts';
import { isObject, objectsOf } from './check-outcome.ts';
import type { PolicyReference } from './invariant-state.ts';

/** A version of a policy as its publication tells it. */
export type PolicyPublication = PolicyReference & {
  /** What its findings call a law; undefined where the document is erased. */
  readonly lawLists: readonly string[] | undefined;
};

/** What a stream `policy-<id>` says with one of its events; undefined for anything but a publication. */
export function publicationIn(core: CoreDraft, payload: Payload | null): PolicyPublication | undefined {
  const { policy_id: id, version, sha256 } = core.facts ?? {};
  if (typeof id !== 'string' || core.stream !== policyStreamOf(id)) return undefined;
  if (typeof version !== 'number' || typeof sha256 !== 'string') return undefined;
  return { id, version, sha256, lawLists: lawListsOf(payload?.metadata?.['document']) };
}

export const policyStreamOf = (id: string): string => `policy-${id}`;

/**
 * What in a policy is a law, by the names that findings use: lists of the scope `law` or with a `reference` to a
 * provision, and the taxonomy of the law checker.
 */
function lawListsOf(document: unknown): readonly string[] | undefined {
  if (!isObject(document)) return undefined;
  const lists = objectsOf(document['lists'])
    .filter(({ scope, reference }) => scope === 'law' || reference !== undefined)
    .map(({ id }) => id);
  const { law_checker: checker } = document;
  const taxonomy = isObject(checker) && isObject(checker['taxonomy']) ? checker['taxonomy']['id'] : undefined;
  return [...lists, taxonomy].filter((id) => typeof id === 'string');
}

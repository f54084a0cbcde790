import { listsAt, type TermList } from './policy.ts';
import type { Replayed } from './redecide.ts';
import type { FilterHit } from './term-filter.ts';

/** What the word filter finds under another policy. */
export type Found = {
  /** Lists with a hit. */
  readonly lists: readonly { readonly list: TermList; readonly rule: 'review' | 'block' }[];
  /** Text and hits; undefined where the text is gone, and the record alone says which lists were hit. */
  readonly read: { readonly text: string; readonly hits: readonly FilterHit[] } | undefined;
};

/**
 * Runs the filter over the recorded text. Where that is gone, the findings of then say the same for every list that was
 * read then, letter for letter; undefined where the other policy reads a list that was not.
 */
export function foundUnder({ record, kept, policy }: Replayed): Found | undefined {
  const lists = listsAt(policy.document, record.safety_level);
  const text = kept?.['checked_text'];
  if (typeof text === 'string') {
    const { hits } = policy.filter.scan(text, new Set(lists.map(({ list }) => list.id)));
    const hit = new Set(hits.map(({ list }) => list));
    return { lists: lists.filter(({ list }) => hit.has(list.id)), read: { text, hits } };
  }
  const readThen = new Map(record.filter_lists.map(({ id, sha256 }) => [id, sha256]));
  if (lists.some(({ list }) => readThen.get(list.id) !== policy.listDigests.get(list.id))) return undefined;
  const hit = listsHit({ record });
  return { lists: lists.filter(({ list }) => hit.has(list.id)), read: undefined };
}

/** Lists that were hit then, dismissed hits too. */
export const listsHit = ({ record }: Pick<Replayed, 'record'>): ReadonlySet<string> =>
  new Set(
    [...record.findings, ...record.ignored_findings]
      .filter(({ taxonomy }) => taxonomy === undefined)
      .map(({ list }) => list),
  );

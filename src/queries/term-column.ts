import { termsTable } from '../audit/decision-rows.ts';
import type { Change, Projector } from '../projector/projector.ts';

type Term = readonly [list: string, term: string];

/** What the fast filter hit, by decision: few sets of terms differ, so a decision names its set. */
export type TermColumn = {
  /** By ordinal of a decision that had hits whose terms are still there: an index in `sets`. */
  readonly ofDecision: ReadonlyMap<number, number>;
  readonly sets: readonly (readonly Term[])[];
};

/**
 * A cache of the rows only, as the columns are (decision-columns.ts): filled at its first use, then it follows the commits,
 * also those that take the terms of an erased text away. The result throws what {@link Projector.reader} throws.
 */
export function createTermColumn(projector: Projector): () => TermColumn {
  let column: ReturnType<typeof emptyColumn> | undefined;
  projector.watch('decisions', (change: Change): void => {
    if (change.kind === 'replaced') column = undefined;
    if (change.kind === 'replaced' || column === undefined) return;
    for (const { key, row } of change.rows(termsTable))
      column.put(Number(key), row as readonly Term[] | undefined);
  });
  return () => {
    const reader = projector.reader('decisions');
    if (column === undefined) {
      const filled = emptyColumn();
      for (const { key, row } of reader.range(termsTable)) filled.put(Number(key), row);
      column = filled;
    }
    return column;
  };
}

function emptyColumn() {
  const ofDecision = new Map<number, number>();
  const sets: (readonly Term[])[] = [];
  const numbers = new Map<string, number>();
  return {
    ofDecision,
    sets,
    put: (ordinal: number, terms: readonly Term[] | undefined): void => {
      if (terms === undefined) {
        ofDecision.delete(ordinal);
        return;
      }
      const key = JSON.stringify(terms);
      const number = numbers.get(key) ?? sets.push(terms) - 1;
      numbers.set(key, number);
      ofDecision.set(ordinal, number);
    },
  };
}

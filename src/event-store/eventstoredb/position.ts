import { LedgerError } from '../../errors.ts';
import type { Position } from '../port.ts';

/** A place in the server's log, as it tells it: both are byte offsets. */
export type Place = { readonly commit: bigint; readonly prepare: bigint };

/** Turns places into the opaque positions of the port, and back. */
export type Positions = {
  readonly format: (place: Place) => Position;
  /** Throws FOREIGN_POSITION for anything that `format` of this store did not make. */
  readonly parse: (position: Position) => Place;
};

const digits = /^(0|[1-9][0-9]{0,18})(?:\.(0|[1-9][0-9]{0,18}))?$/;

export function positionsOf(storeId: string): Positions {
  const prefix = `${storeId.replaceAll('-', '').slice(0, 12)}-`;
  return {
    // The two only differ in logs of servers that still had transactions over several writes.
    format: ({ commit, prepare }) => `${prefix}${commit}${commit === prepare ? '' : `.${prepare}`}`,
    parse: (position) => {
      const match = position.startsWith(prefix) ? digits.exec(position.slice(prefix.length)) : null;
      const [, commit, prepare = commit] = match ?? [];
      if (commit === undefined || prepare === undefined)
        throw new LedgerError('FOREIGN_POSITION', { position, storeId });
      return { commit: BigInt(commit), prepare: BigInt(prepare) };
    },
  };
}

/** Negative where `a` is before `b`, 0 where they are the same. */
export function comparePlaces(a: Place, b: Place): number {
  return compareNumbers(a.commit, b.commit) || compareNumbers(a.prepare, b.prepare);
}

const compareNumbers = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0);

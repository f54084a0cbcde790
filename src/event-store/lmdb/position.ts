import { LedgerError } from '../../errors.ts';
import type { Position } from '../port.ts';

/** Turns the log's counter (the first event is 1) into the opaque positions of the port, and back. */
export type Positions = {
  readonly format: (ordinal: number) => Position;
  /** Throws FOREIGN_POSITION for anything that `format` of this store did not make. */
  readonly parse: (position: Position) => number;
};

export function positionsOf(storeId: string): Positions {
  // Twelve hexadecimal digits tell stores apart that one client could mix up; the whole id would lengthen every event.
  const prefix = `${storeId.replaceAll('-', '').slice(0, 12)}-`;
  return {
    format: (ordinal) => prefix + ordinal,
    parse: (position) => {
      const digits = position.startsWith(prefix) ? position.slice(prefix.length) : '';
      if (!/^[1-9][0-9]{0,14}$/.test(digits))
        throw new LedgerError('FOREIGN_POSITION', { position, storeId });
      return Number(digits);
    },
  };
}

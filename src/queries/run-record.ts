import { itemsTable } from '../../projections/run-items.ts';
import { headersTable } from '../../projections/run-record.ts';
import { LedgerError } from '../errors.ts';
import type { Projector } from '../projector/projector.ts';

/** A run's record as ready JSON, and its version, which is its ETag. */
export type RecordText = { readonly version: number; readonly text: string };

/** Header and items as one text; no item is parsed on the way. Throws EXECUTION_NOT_FOUND. */
export function readRecord(projector: Projector, executionId: string): RecordText {
  const { version, text } = readHeader(projector, executionId);
  const items = readItems(projector, executionId, { from: 1, limit: Number.MAX_SAFE_INTEGER });
  return { version, text: `${text.slice(0, -1)},"items":[${items.join(',')}]}` };
}

/** The record without its items. Throws EXECUTION_NOT_FOUND. */
export function readHeader(projector: Projector, executionId: string): RecordText {
  const row = projector.reader('run-record').get(headersTable, executionId);
  if (row === undefined) throw new LedgerError('EXECUTION_NOT_FOUND', { execution_id: executionId });
  const space = row.indexOf(' ');
  return { version: Number(row.slice(0, space)), text: row.slice(space + 1) };
}

/** Items from a sequence number on as ready JSON; none for a run that is not there. */
export function readItems(
  projector: Projector,
  executionId: string,
  { from, limit }: { readonly from: number; readonly limit: number },
): string[] {
  const range = { start: [executionId, from], end: [executionId, Number.MAX_SAFE_INTEGER], limit };
  return Array.from(projector.reader('run-items').range(itemsTable, range), ({ row }) => row);
}

import { placeItem } from '../events/envelope.ts';
import { keyedId } from '../events/ids.ts';
import { LedgerError } from '../errors.ts';
import type { Finding } from '../run/lifecycle.ts';
import { evolveRecord, headerOf, initialRecordState, streamOf } from '../run/record.ts';
import { type Recorder, recordActors, type RunItem } from '../run/recorder.ts';
import { maxItemBytes, type OldItem, type OldRecord } from './old-record.ts';

export type ImportParts = {
  readonly recorder: Recorder;
  /** The deployment's naming key: ids of imported items are HMACs under it. */
  readonly naming: Uint8Array;
  readonly signal?: AbortSignal | undefined;
};

export type ImportResult =
  | {
      readonly execution_id: string;
      /** `unchanged`: this very record was imported before, and is whole. */
      readonly outcome: 'imported' | 'unchanged';
      /** What the record does not prove, and what the import had to mend. */
      readonly findings: readonly Finding[];
    }
  | { readonly execution_id: string | null; readonly outcome: 'refused'; readonly reason: string };

/** Items of one append: an append is atomic, and a longer record takes several. */
const maxChunkItems = 500;

/**
 * Records an old record, in as many appends as it needs. What an interrupted import left behind is completed by the same
 * record again; another record under the id is refused. Throws the store's errors: then the same call again is harmless.
 */
export async function importRecord(record: OldRecord, parts: ImportParts): Promise<ImportResult> {
  const { recorder, naming, signal } = parts;
  const { executionId } = record;
  const items = record.items.map(({ draft, time, sizeBytes }, index) => {
    const id = keyedId(naming, streamOf(executionId), record.digest, String(index));
    return { draft, time, sizeBytes, id };
  });
  let outcome: 'imported' | 'unchanged' = 'unchanged';
  for (const [index, chunk] of chunksOf(items).entries()) {
    try {
      const { stored } = await recorder.record({
        executionId,
        by: 'import',
        run: index === 0 ? 'new' : 'existing',
        items: chunk,
        tax: record.tax,
        userId: record.userId,
        signal,
      });
      if (stored) outcome = 'imported';
    } catch (error) {
      const reason = refusalOf(error, index === 0);
      if (reason === undefined) throw error;
      return { execution_id: executionId, outcome: 'refused', reason };
    }
  }
  return { execution_id: executionId, outcome, findings: findingsOf(record, items) };
}

/** Why the record can never be taken; undefined for what a later try may mend. */
function refusalOf(error: unknown, isFirst: boolean): string | undefined {
  if (!(error instanceof LedgerError) || error.status >= 500 || error.code === 'CONFLICT') return undefined;
  const isOther = error.code === 'RUN_EXISTS' || error.code === 'OTHER_CONTENT';
  return isOther && isFirst
    ? 'another record is stored under this execution_id; nothing was changed'
    : error.message;
}

type SizedItem = RunItem & Pick<OldItem, 'sizeBytes'>;

function chunksOf(items: readonly SizedItem[]): readonly (readonly RunItem[])[] {
  const chunks: RunItem[][] = [];
  let room = 0;
  for (const { sizeBytes, ...item } of items) {
    const open = chunks.at(-1);
    if (open === undefined || open.length === maxChunkItems || sizeBytes > room) {
      chunks.push([item]);
      room = maxItemBytes - sizeBytes;
    } else {
      open.push(item);
      room -= sizeBytes;
    }
  }
  return chunks;
}

/** The findings of the run as it will be read, by the same fold, without reading it back. */
function findingsOf(record: OldRecord, items: readonly { readonly id: string }[]): readonly Finding[] {
  let state = initialRecordState(record.executionId);
  for (const [index, { draft, time }] of record.items.entries()) {
    const placed = placeItem(draft, {
      id: items[index]?.id ?? '',
      stream: streamOf(record.executionId),
      seq: index + 1,
      tax: record.tax,
      time,
      actor: recordActors.import,
    });
    state = evolveRecord(state, { ...placed, erased: false });
  }
  return headerOf(state).findings;
}

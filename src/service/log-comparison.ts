import { LedgerError } from '../errors.ts';
import type { StoredEvent } from '../events/stored-event.ts';
import type { EventReader } from '../event-store/port.ts';
import { createTreeHead } from '../ledger/tree-head.ts';

type Log = Pick<EventReader, 'readAll'>;

/** What stands at one place of two logs; undefined where one of them has ended. */
type Pair = { /** The place in the whole log; the first event is 1. */ readonly event: number } & (
  | { readonly original: StoredEvent; readonly copy: StoredEvent }
  | { readonly original: StoredEvent; readonly copy: undefined }
  | { readonly original: undefined; readonly copy: StoredEvent }
);

/** What both logs hold. */
export type Compared = {
  readonly events: number;
  readonly streams: number;
  /** The ledger root: of the Merkle tree over all event hashes in the order of the log, base64. */
  readonly root: string;
};

type Options = {
  /** Events of the source that count; all without it. */
  readonly limit?: number;
  readonly signal: AbortSignal;
  readonly onProgress: (events: number) => void;
};

/** Reads both logs beside each other, an event of each at a time. Throws COPY_TARGET at the first place where they differ. */
export async function compareLogs(
  source: Log,
  target: Log,
  { limit = Infinity, signal, onProgress }: Options,
): Promise<Compared> {
  const [tree, copiedTree] = [createTreeHead(), createTreeHead()];
  let streams = 0;
  for await (const pair of inLockstep(source.readAll({ limit, signal }), target.readAll({ signal }))) {
    const { original, copy } = asSame(pair);
    if (original.revision === 0) streams += 1;
    tree.append(original.hash);
    copiedTree.append(copy.hash);
    onProgress(pair.event);
  }
  const root = tree.root();
  if (!root.equals(copiedTree.root())) throw new Error('Two logs of the same events have different roots');
  return { events: tree.size(), streams, root: root.toString('base64') };
}

/** Goes through two logs at the same pace, to the end of the source; one pair more tells that the target has more. */
export async function* inLockstep(
  source: AsyncIterable<StoredEvent>,
  target: AsyncIterable<StoredEvent>,
): AsyncGenerator<Pair> {
  const copies = target[Symbol.asyncIterator]();
  let event = 0;
  try {
    let next = await copies.next();
    for await (const original of source) {
      event += 1;
      yield { event, original, copy: next.done === true ? undefined : next.value };
      if (next.done !== true) next = await copies.next();
    }
    if (next.done !== true) yield { event: event + 1, original: undefined, copy: next.value };
  } finally {
    await copies.return?.();
  }
}

/** Both events of a pair, which are the same in all that their writer gave. Throws COPY_TARGET where they are not. */
export function asSame({ event, original, copy }: Pair): {
  readonly original: StoredEvent;
  readonly copy: StoredEvent;
} {
  if (copy === undefined) {
    const cure = 'copy again to add what is missing';
    throw otherThanSource(event, original, 'the target has ended', cure);
  }
  if (original === undefined) {
    const cure =
      'it took events of its own, so it is no copy any more: copy from it, or name an empty target';
    throw otherThanSource(event, copy, 'the source has ended', cure);
  }
  const what = differenceOf(original, copy);
  if (what !== undefined) {
    throw otherThanSource(event, copy, what, 'name an empty target, or one that was copied from this source');
  }
  return { original, copy };
}

/** COPY_TARGET, at a place of the whole log. */
export function otherThanSource(
  event: number,
  { stream, revision }: StoredEvent,
  what: string,
  cure: string,
): LedgerError<'COPY_TARGET'> {
  return new LedgerError('COPY_TARGET', { event, stream, sequence: revision + 1, what, cure });
}

function differenceOf(original: StoredEvent, copy: StoredEvent): string | undefined {
  if (copy.stream !== original.stream || copy.revision !== original.revision)
    return `the source has item ${original.revision + 1} of ${original.stream}`;
  if (copy.id !== original.id) return `its id is ${copy.id}, in the source ${original.id}`;
  if (copy.type !== original.type) return `its type is ${copy.type}, in the source ${original.type}`;
  if (!isSame(copy.hash, original.hash) || !isSame(copy.core, original.core))
    return 'its core has other bytes than in the source';
  if (!isSame(copy.sealed, original.sealed)) return 'its sealed payload has other bytes than in the source';
  return undefined;
}

const isSame = (one: Uint8Array | null, other: Uint8Array | null): boolean =>
  one === null || other === null ? one === other : Buffer.compare(one, other) === 0;

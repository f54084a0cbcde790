import { type ArrivalRow, arrivalsTable, blocksTable, compareArrivals } from '../../projections/run-list.ts';
import type { Reader } from '../projector/projection.ts';
import { everyOrdinal, type Ordinals } from './ordinals.ts';

/** A stretch of arrivals, end excluded, within which the list has another order. */
export type Block = { readonly start: number; readonly end: number };

/** Below this, sorting what was selected is cheaper than knowing the order of the whole block. */
const smallSelection = 1024;
/** Orders of large blocks that are kept, 16 bytes a run each. */
const maxCachedOrders = 4;

type BlockOrder = Block & {
  /** Ordinals in list order, the oldest first. */
  readonly sorted: Uint32Array;
  /** Place in `sorted` by ordinal − start. */
  readonly ranks: Uint32Array;
  /** Microseconds since the epoch by ordinal − start: orders all but runs of one microsecond. */
  readonly micros: Float64Array;
};

/**
 * The order of the list over ordinals. Mostly it is the order of arrival; a block of runs that arrived out of order is
 * sorted when a page or a time bound falls into it. Large blocks are kept in memory, and extended when they grow.
 */
export type ListOrder = {
  /** Ordinals of one page, newest first. */
  readonly page: (reader: Reader, selected: Ordinals, limit: number, offset: number) => number[];
  /** Ordinals of runs that began from `from` to `to`, both included, as ranges and single ones. */
  readonly between: (
    reader: Reader,
    from: string | undefined,
    to: string | undefined,
    runs: number,
  ) => TimeSpan;
  /** Are the newest runs within a block so large that a page of them needs its order? */
  readonly isScattered: (reader: Reader, runs: number) => boolean;
  readonly clear: () => void;
};

export type TimeSpan = {
  /** Everything in here … */
  readonly start: number;
  readonly end: number;
  /** … but in these blocks only what is listed. */
  readonly exceptions: readonly { readonly block: Block; readonly ordinals: Uint32Array }[];
};

export function createListOrder(): ListOrder {
  const orders = new Map<number, BlockOrder>();

  const orderOf = (reader: Reader, block: Block): BlockOrder => {
    const known =
      orders.get(block.start) ??
      [...orders.values()].find(({ start, end }) => start >= block.start && end <= block.end);
    if (known?.start === block.start && known.end === block.end) return known;
    const order = extendOrder(reader, block, known);
    if (known !== undefined) orders.delete(known.start);
    orders.set(block.start, order);
    const eldest = orders.keys().next().value;
    if (orders.size > maxCachedOrders && eldest !== undefined) orders.delete(eldest);
    return order;
  };

  const sortedBlock = (reader: Reader, block: Block): Uint32Array =>
    block.end - block.start <= smallSelection
      ? sortByArrival(reader, everyOrdinal(block.end).slice(block.start, block.end))
      : orderOf(reader, block).sorted;

  /** What is selected within a block, newest first, without the first `skip` and no more than `take`. */
  const newestIn = (
    reader: Reader,
    block: Block,
    selected: Ordinals,
    skip: number,
    take: number,
  ): number[] => {
    const low = selected.below(block.start);
    const high = selected.below(block.end);
    const backwards = (sorted: Uint32Array): number[] =>
      Array.from(sorted.slice(Math.max(0, sorted.length - skip - take), sorted.length - skip)).toReversed();
    // All of it: there is nothing to pick.
    if (high - low === block.end - block.start) return backwards(sortedBlock(reader, block));
    const members = selected.slice(low, high);
    if (members.length <= smallSelection) return backwards(sortByArrival(reader, members));
    const { sorted, ranks } = orderOf(reader, block);
    const chosen = new Uint8Array(sorted.length);
    for (let index = 0; index < members.length; index++)
      chosen[ranks[(members[index] ?? 0) - block.start] ?? 0] = 1;
    const newest: number[] = [];
    for (let rank = sorted.length - 1, seen = 0; rank >= 0 && newest.length < take; rank--) {
      if (chosen[rank] === 1 && seen++ >= skip) newest.push(sorted[rank] ?? 0);
    }
    return newest;
  };

  return {
    page(reader, selected, limit, offset) {
      const page: number[] = [];
      let end = selected.size - offset;
      while (end > 0 && page.length < limit) {
        const wanted = Math.max(0, end - (limit - page.length));
        const newest = selected.slice(end - 1, end)[0] ?? 0;
        const block = lastBlock(reader, newest);
        if (block === undefined || block.end <= newest) {
          // In order down to the block before, if the page reaches that far.
          const members = selected.slice(wanted, end);
          const from = block === undefined ? 0 : firstAtLeast(members, block.end);
          for (let index = members.length - 1; index >= from; index--) page.push(members[index] ?? 0);
          end -= members.length - from;
        } else {
          const skip = selected.below(block.end) - end;
          const members = newestIn(reader, block, selected, skip, end - wanted);
          for (const member of members) page.push(member);
          end -= members.length;
        }
      }
      return page;
    },
    between(reader, from, to, runs) {
      const start = from === undefined ? 0 : firstReaching(reader, runs, (time) => time >= from);
      const end = to === undefined ? runs : firstReaching(reader, runs, (time) => time > to);
      const blocks = new Map<number, Block>();
      for (const edge of [start, end]) {
        const block = lastBlock(reader, edge);
        if (block !== undefined && block.end > edge) blocks.set(block.start, block);
      }
      const isLater = (ordinal: number): boolean => from !== undefined && timeAt(reader, ordinal) < from;
      const isEarlier = (ordinal: number): boolean => to === undefined || timeAt(reader, ordinal) <= to;
      const exceptions = [...blocks.values()].map((block) => {
        const sorted = sortedBlock(reader, block);
        return { block, ordinals: sorted.slice(bisect(sorted, isLater), bisect(sorted, isEarlier)) };
      });
      return { start, end, exceptions };
    },
    isScattered(reader, runs) {
      const block = lastBlock(reader, runs);
      return block !== undefined && block.end - block.start > smallSelection;
    },
    clear: () => orders.clear(),
  };
}

/** The block that begins last at or before an ordinal. */
function lastBlock(reader: Reader, ordinal: number): Block | undefined {
  for (const { key, row } of reader.range(blocksTable, { start: ordinal, reverse: true, limit: 1 })) {
    return { start: Number(key), end: row };
  }
  return undefined;
}

const arrivalAt = (reader: Reader, ordinal: number): ArrivalRow => {
  const row = reader.get(arrivalsTable, ordinal);
  if (row === undefined) throw new TypeError(`run-list has no arrival ${ordinal}`);
  return row;
};
const timeAt = (reader: Reader, ordinal: number): string => arrivalAt(reader, ordinal).time;

/** The first ordinal by which the latest start so far passes the test; it only ever grows. */
function firstReaching(reader: Reader, runs: number, passes: (time: string) => boolean): number {
  let low = 0;
  let high = runs;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const { time, latest } = arrivalAt(reader, middle);
    if (passes(latest === middle ? time : timeAt(reader, latest))) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** How many at the front pass a test that only the front passes. */
function bisect(sorted: Uint32Array, passes: (ordinal: number) => boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (passes(sorted[middle] ?? 0)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function firstAtLeast(members: ArrayLike<number>, ordinal: number): number {
  let index = members.length;
  while (index > 0 && (members[index - 1] ?? 0) >= ordinal) index--;
  return index;
}

function sortByArrival(reader: Reader, members: Iterable<number>): Uint32Array {
  const rows = Array.from(members, (ordinal) => ({ ordinal, arrival: arrivalAt(reader, ordinal) }));
  rows.sort((a, b) => compareArrivals(a.arrival, b.arrival));
  return Uint32Array.from(rows, ({ ordinal }) => ordinal);
}

/** The order of a block from scratch, or of a block that has grown from what was known of it. */
function extendOrder(reader: Reader, block: Block, known: BlockOrder | undefined): BlockOrder {
  const size = block.end - block.start;
  const micros = new Float64Array(size);
  if (known !== undefined) micros.set(known.micros, known.start - block.start);
  const gaps: readonly Block[] =
    known === undefined
      ? [block]
      : [
          { start: block.start, end: known.start },
          { start: known.end, end: block.end },
        ];
  const added: number[] = [];
  for (const { start, end } of gaps) {
    for (const { key, row } of reader.range(arrivalsTable, { start, end })) {
      added.push(Number(key));
      micros[Number(key) - block.start] = microsOf(row.time);
    }
  }
  const compare = (a: number, b: number): number => {
    const byTime = (micros[a - block.start] ?? 0) - (micros[b - block.start] ?? 0);
    return byTime === 0 ? compareArrivals(arrivalAt(reader, a), arrivalAt(reader, b)) : byTime;
  };
  const sorted = mergeSorted(known?.sorted ?? new Uint32Array(), added.sort(compare), compare);
  const ranks = new Uint32Array(size);
  for (let rank = 0; rank < size; rank++) ranks[(sorted[rank] ?? 0) - block.start] = rank;
  return { ...block, sorted, ranks, micros };
}

/** An array's own sort finds runs in order, but copying a million into one costs more than merging. */
function mergeSorted(
  left: Uint32Array,
  right: readonly number[],
  compare: (a: number, b: number) => number,
): Uint32Array {
  const merged = new Uint32Array(left.length + right.length);
  let l = 0;
  let r = 0;
  for (let index = 0; index < merged.length; index++) {
    const [a, b] = [left[l], right[r]];
    const takesLeft = a !== undefined && (b === undefined || compare(a, b) <= 0);
    merged[index] = (takesLeft ? left[l++] : right[r++]) ?? 0;
  }
  return merged;
}

/** Of a `sortable` time. Exact in a number; the three digits below are left to the full comparison. */
const microsOf = (time: string): number =>
  Date.parse(`${time.slice(0, 23)}Z`) * 1000 + Number(time.slice(23, 26));

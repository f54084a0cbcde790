/** Memory that one group after the other encodes into: fresh memory for every group cost a third of the time. */
export type Slabs = {
  /** At least `sizeBytes`; what it holds is arbitrary. */
  readonly take: (sizeBytes: number) => Buffer;
  /** Only after lmdb has done with it. */
  readonly giveBack: (slabs: readonly Buffer[]) => void;
};

/** Large enough for hundreds of events, small enough to stay in the processor's cache. */
const slabBytes = 256 * 1024;
/** 8 MiB: as much as eight full groups of one append at the size limit. */
const maxKeptSlabs = 32;

export function createSlabs(): Slabs {
  const kept: Buffer[] = [];
  return {
    take: (sizeBytes) =>
      (sizeBytes <= slabBytes ? kept.pop() : undefined) ??
      // Not from the shared pool: lmdb asks for the address of each backing store once, and keeps it there.
      Buffer.allocUnsafeSlow(Math.max(slabBytes, sizeBytes)),
    giveBack: (slabs) => {
      for (const slab of slabs) {
        if (slab.length === slabBytes && kept.length < maxKeptSlabs) kept.push(slab);
      }
    },
  };
}

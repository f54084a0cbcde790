import type { Replay } from './contract.ts';
import { mediumOf } from './medium-reference.ts';
import { readableItem } from './readable-item.ts';
import { isWithheldOutput } from './withheld.ts';

/** A medium that items of a run name. */
export type NamedMedium = {
  /** Undefined where it is only a file of another system. */
  readonly sha256: string | undefined;
  readonly filePath: string;
  /** It is never handed out. */
  readonly isWithheld: boolean;
  /** Sequence numbers. */
  readonly items: readonly number[];
};

/** All media that a run names, each once, in the order in which they first are. */
export async function mediaOf(replay: Replay, signal: AbortSignal): Promise<readonly NamedMedium[]> {
  const media = new Map<string, NamedMedium>();
  for await (const raw of replay.items(signal)) {
    const item = readableItem(raw);
    const { file_path: filePath, sequence_number: sequenceNumber } = item;
    if (filePath === null) continue;
    const sha256 = mediumOf(item);
    const isWithheld =
      isWithheldOutput(replay.withheld, item) ||
      (sha256 !== undefined && replay.withheld.digests.includes(sha256));
    const before = media.get(sha256 ?? filePath);
    media.set(sha256 ?? filePath, {
      sha256,
      filePath,
      isWithheld: isWithheld || before?.isWithheld === true,
      items: [...(before?.items ?? []), sequenceNumber],
    });
  }
  return [...media.values()];
}

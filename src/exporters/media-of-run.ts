import { catalogued } from '../events/catalogue.ts';
import type { Replay } from './contract.ts';
import { mediumOf } from './medium-reference.ts';
import { readableItem } from './readable-item.ts';
import { withheldLoops } from './setback.ts';

/** A medium that items of a run name. */
export type NamedMedium = {
  /** Undefined where it is only a file of another system. */
  readonly sha256: string | undefined;
  readonly filePath: string;
  /** An output that a look at the medium refused, and nothing else of the run: it is never handed out. */
  readonly isWithheld: boolean;
  /** Sequence numbers. */
  readonly items: readonly number[];
};

/** All media that a run names, each once, in the order in which they first are. */
export async function mediaOf(replay: Replay, signal: AbortSignal): Promise<readonly NamedMedium[]> {
  const withheld = withheldLoops(replay.setbacks);
  const media = new Map<string, NamedMedium>();
  for await (const raw of replay.items(signal)) {
    const item = readableItem(raw);
    const { file_path: filePath, sequence_number: sequenceNumber } = item;
    if (filePath === null) continue;
    const sha256 = mediumOf(item);
    const isWithheld =
      catalogued(item.item_type)?.effect === 'deliver_output' && withheld.has(item.loop_iteration ?? 0);
    const before = media.get(sha256 ?? filePath);
    media.set(sha256 ?? filePath, {
      sha256,
      filePath,
      // The same bytes may be an input, or another output that was let pass.
      isWithheld: isWithheld && (before?.isWithheld ?? true),
      items: [...(before?.items ?? []), sequenceNumber],
    });
  }
  return [...media.values()];
}

import { catalogued } from '../events/catalogue.ts';
import type { ExecutionItem } from '../events/item.ts';
import { readableItem } from './readable-item.ts';

/** What of a run is never handed out: media that a look at them refused afterwards, and results that came too late. */
export type Withheld = {
  /** Whatever item names one of these, in whatever output. */
  readonly digests: readonly string[];
  readonly loops: readonly number[];
  /** A refusal does not say which output it is about: then it is about all of them. */
  readonly everyOutput: boolean;
};

/** Folds items, all of the run and not only those of a view or of a time: a refusal stands from when it was known. */
export function watchWithheld(): {
  readonly see: (item: ExecutionItem) => void;
  readonly seen: () => Withheld;
} {
  const outputs: { readonly loop: number; readonly digest: string }[] = [];
  const loops = new Set<number>();
  const refused = new Set<string>();
  let everyOutput = false;
  return {
    see(raw) {
      const effect = catalogued(raw.item_type)?.effect;
      if (effect !== 'deliver_output' && effect !== 'withhold_output' && effect !== 'discard_result') return;
      const item = readableItem(raw);
      const digests = digestsOf(item);
      if (effect === 'deliver_output') {
        for (const digest of digests) outputs.push({ loop: item.loop_iteration ?? 0, digest });
        return;
      }
      for (const digest of digests) refused.add(digest);
      if (effect === 'discard_result') return;
      if (item.loop_iteration === null) everyOutput = true;
      else loops.add(item.loop_iteration);
    },
    seen() {
      const ofLoops = outputs.filter(({ loop }) => everyOutput || loop === 0 || loops.has(loop));
      const isAnyRefused = everyOutput || loops.size > 0;
      const digests = new Set([...refused, ...(isAnyRefused ? ofLoops.map(({ digest }) => digest) : [])]);
      return { digests: [...digests], loops: [...loops], everyOutput };
    },
  };
}

/** Is this an output that nobody is to see? One that does not say which output it is, where any was refused, is. */
export function isWithheldOutput({ digests, loops, everyOutput }: Withheld, item: ExecutionItem): boolean {
  if (catalogued(item.item_type)?.effect !== 'deliver_output') return false;
  if (everyOutput || digestsOf(readableItem(item)).some((digest) => digests.includes(digest))) return true;
  const { loop_iteration: loop } = readableItem(item);
  return loop === null ? loops.length > 0 : loops.includes(loop);
}

const named = /^(?:\/api\/media\/)?([0-9a-f]{64})$/;

function digestsOf({ file_path, metadata }: ExecutionItem): readonly string[] {
  return [file_path, metadata['sha256']].flatMap((name) =>
    typeof name === 'string' ? (named.exec(name)?.[1] ?? []) : [],
  );
}

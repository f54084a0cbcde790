import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { ExecutionItem } from '../events/item.ts';
import type { Replay } from '../exporters/contract.ts';

/** All of a replay but its items and its media, which stand in files of their own. */
type Head = Omit<Replay, 'items' | 'medium'>;

/** Writes a replay for another process: its head, then one item a line. The file must not be there. */
export async function writeReplay(path: string, replay: Replay, signal: AbortSignal): Promise<void> {
  const { items, medium: _, ...head } = replay;
  const file = await open(path, 'wx', 0o600);
  const write = (line: unknown): Promise<void> => file.writeFile(`${JSON.stringify(line)}\n`);
  try {
    await write(head);
    for await (const item of items(signal)) await write(item);
  } finally {
    await file.close();
  }
}

/** Reads what {@link writeReplay} wrote; the items as often as they are asked for. */
export async function readReplay(path: string, medium: Replay['medium']): Promise<Replay> {
  const lines = linesOf(path);
  const first = await lines.next();
  await lines.return();
  if (first.done === true) throw new TypeError('a replay file begins with a head');
  return {
    ...(JSON.parse(first.value) as Head),
    async *items(signal) {
      let isHead = true;
      for await (const line of linesOf(path)) {
        signal.throwIfAborted();
        if (!isHead) yield JSON.parse(line) as ExecutionItem;
        isHead = false;
      }
    },
    medium,
  };
}

async function* linesOf(path: string): AsyncGenerator<string, void, undefined> {
  const input = createReadStream(path, 'utf8');
  try {
    // JSON escapes every line end within, but for U+2028 and U+2029, which readline takes for none.
    yield* createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  } finally {
    input.destroy();
  }
}

import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { ExecutionItem } from '../events/item.ts';
import type { Replay } from '../exporters/contract.ts';
import type { Evidence } from '../exporters/evidence.ts';

/** All of a replay but its evidence and its items, which are lines of their own, and its media, which are files of their own. */
type Head = Omit<Replay, 'items' | 'setbacks' | 'medium' | 'evidence'>;

/** What a line is: the evidence comes first, then the items that say what went wrong, then the items of the view. */
const proof = 'e';
const setback = 's';
const shown = 'i';

/** Writes a replay for another process: its head, then one item a line. The file must not be there. */
export async function writeReplay(path: string, replay: Replay, signal: AbortSignal): Promise<void> {
  const { items, setbacks, evidence, medium: _, ...head } = replay;
  const file = await open(path, 'wx', 0o600);
  const write = (kind: string, line: unknown): Promise<void> =>
    file.writeFile(`${kind}${JSON.stringify(line)}\n`);
  try {
    await write('', head);
    await write(proof, packedEvidence(await evidence(signal)));
    for await (const item of setbacks(signal)) await write(setback, item);
    for await (const item of items(signal)) await write(shown, item);
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
  const head = JSON.parse(first.value) as Head;
  const itemsOf = async function* (kind: string, signal: AbortSignal): AsyncGenerator<ExecutionItem> {
    for await (const line of linesOf(path)) {
      signal.throwIfAborted();
      if (line.startsWith(kind)) yield JSON.parse(line.slice(1)) as ExecutionItem;
      else if (kind === setback && line.startsWith(shown)) return;
    }
  };
  return {
    ...head,
    items: (signal) => itemsOf(shown, signal),
    setbacks: (signal) => itemsOf(setback, signal),
    evidence: async () => {
      for await (const line of linesOf(path))
        if (line.startsWith(proof)) return unpackedEvidence(JSON.parse(line.slice(1)) as PackedEvidence);
      throw new TypeError('a replay file has a line of evidence');
    },
    medium: async (sha256) => (head.withheld.digests.includes(sha256) ? undefined : medium(sha256)),
  };
}

type PackedEvidence = { readonly base64: string } | Extract<Evidence, { readonly kind: 'none' }>;

function packedEvidence(evidence: Evidence): PackedEvidence {
  return evidence.kind === 'none' ? evidence : { base64: Buffer.from(evidence.bytes).toString('base64') };
}

function unpackedEvidence(packed: PackedEvidence): Evidence {
  return 'base64' in packed ? { kind: 'bundle', bytes: Buffer.from(packed.base64, 'base64') } : packed;
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

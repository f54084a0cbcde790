import { beforeAll, describe, expect, test } from 'vitest';
import type { Replay } from '../../src/exporters/contract.ts';
import type { Evidence } from '../../src/exporters/evidence.ts';
import { formatNames, formats } from '../../src/exporters/registry.ts';
import { bundleBytes } from '../../src/ledger/bundle.ts';
import { fixtureTexts } from '../import/source-record.ts';
import { endedBundle } from '../ledger/small-ledger.ts';
import { bytesOf } from './bytes-of.ts';
import { importedRecord } from './exported-xml.ts';
import { hostileRun } from './hostile-run.ts';
import { longRun } from './long-run.ts';
import { pathNames, pathRuns } from './path-runs.ts';
import { has } from './pdf-file.ts';
import { reading } from './reading.ts';
import { replayOf } from './replay-of.ts';

/**
 * The law of every exporter in the registry (architecture.md §2): valid by its format's own validator, whole, the same
 * bytes twice, and it stops. A new format stands here as soon as it is registered, and fails where nobody can read it.
 */
/** The proof of another run does as well: no exporter looks into it. */
const evidence: Evidence = { kind: 'bundle', bytes: bundleBytes(endedBundle()) };
const never = new AbortController().signal;
let ofPaths: ReadonlyMap<string, Replay>;
beforeAll(async () => {
  ofPaths = await pathRuns();
});

const path = (name: string): Replay => {
  const replay = ofPaths.get(name);
  if (replay === undefined) throw new TypeError(`no run of the path ${name}`);
  return replay;
};

const runs: readonly (readonly [name: string, replay: () => Promise<Replay>])[] = [
  ...[...fixtureTexts].map(
    ([name]) => [`the old record ${name}`, async () => replayOf(await importedRecord(name))] as const,
  ),
  ...pathNames.map((name) => [`the path "${name}"`, async () => path(name)] as const),
  ['a run of hostile texts', async () => hostileRun()],
  ['a run of 5,000 items', async () => longRun(5_000)],
];

const lacking = (format: string): readonly string[] =>
  (reading(format).programs ?? []).filter((program) => !has(program));
const readable = formatNames.filter((format) => lacking(format).length === 0);

describe.each(readable)('%s', (format) => {
  const exporter = formats.get(format);
  const read = reading(format);
  if (exporter === undefined) throw new TypeError(`${format} is available and has no exporter`);

  test.each(runs)(
    'of %s is valid, whole, and the same twice',
    async (_, replay) => {
      const told = { ...(await replay()), evidence: async () => evidence };
      const bytes = await bytesOf(exporter, told);
      expect(await read.faults(bytes)).toEqual([]);
      expect(await read.missing(bytes, told)).toEqual([]);
      expect((await bytesOf(exporter, told)).equals(bytes)).toBe(true);
    },
    240_000,
  );

  test('stops within an item of an abort', async () => {
    const stopping = new AbortController();
    let read = 0;
    const long = longRun(5_000);
    const counted: Replay = {
      ...long,
      async evidence(signal) {
        for await (const _ of counted.items(signal)) signal.throwIfAborted();
        return evidence;
      },
      async *items(signal) {
        for await (const item of long.items(signal)) {
          read += 1;
          if (read === 100) stopping.abort(new Error('the client went away'));
          yield item;
        }
      },
    };
    await expect(bytesOf(exporter, counted, stopping.signal)).rejects.toThrow();
    expect(read).toBeLessThanOrEqual(101);
  });

  test('that is aborted before it begins reads nothing', async () => {
    const items: Replay['items'] = () => {
      throw new TypeError('nobody wants it');
    };
    const stopped = AbortSignal.abort(new Error('gone before'));
    await expect(bytesOf(exporter, { ...longRun(1), items }, stopped)).rejects.toThrow();
  });

  test('does not change what it reads', async () => {
    const told = { ...hostileRun(), evidence: async () => evidence };
    const before = JSON.stringify(told.header);
    await bytesOf(exporter, told, never);
    expect(JSON.stringify(told.header)).toBe(before);
  });
});

for (const format of formatNames.filter((name) => !readable.includes(name)))
  test.skip(`${format}: not read back, for there is no ${lacking(format).join(', ')} on this machine`, () => {});

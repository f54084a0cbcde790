import { createHash } from 'node:crypto';
import { placeItem, sealItem } from '../../src/events/envelope.ts';
import { chainStart } from '../../src/events/digest.ts';
import { keyedId } from '../../src/events/ids.ts';
import type { ReadyEvent } from '../../src/events/stored-event.ts';
import { timeOf } from '../../src/events/time.ts';
import { exportHistory } from '../exported-jobs.ts';
import { createMemoryStore, type MemoryStore } from '../memory-store.ts';
import { keyOf, randomFrom } from '../recorded-runs.ts';
import { hexOf, type Random } from './planted-checks.ts';
import { type PlantedItem, type PlantedRun, plantedRun } from './planted-run.ts';

const start = Date.parse('2025-11-03T08:00:00Z');
/** Policies change so often, and a model with one of them. */
const changes = 4;
const openRuns = 24;

type Open = {
  readonly stream: string;
  readonly run: PlantedRun;
  readonly ids: readonly string[];
  next: number;
};

/** A log of so many runs with planted facts, several open at a time; the same for the same seed. */
export function plantedLog(runs: number, seed: number): MemoryStore {
  const random = randomFrom(seed);
  const store = createMemoryStore();
  const clock = { ms: start };
  const open: Open[] = [];
  let published = 0;
  for (let index = 0; index < runs; index++) {
    const change = Math.floor((index / runs) * changes);
    for (; published <= change; published++) publish(store, published + 1, clock.ms);
    if (index % 100 === 50) addExport(store, index);
    const id = `exec_planted_${String(index).padStart(6, '0')}`;
    const run = plantedRun(random, change);
    const stream = `run-${id}`;
    const ids = run.items.map((_, item) => keyedId(keyOf(stream), stream, String(item + 1)));
    open.push({ stream, run, ids, next: 0 });
    while (open.length > openRuns || (open.length > 0 && random() < 0.7)) step(store, open, clock, random);
  }
  while (open.length > 0) step(store, open, clock, random);
  return store;
}

function step(store: MemoryStore, open: Open[], clock: { ms: number }, random: Random): void {
  const at = Math.floor(random() * open.length);
  const one = open[at];
  if (one === undefined) return;
  for (let more = 1 + Math.floor(random() * 4); more > 0 && one.next < one.run.items.length; more--) {
    clock.ms += Math.floor(random() * 60_000);
    store.add(one.stream, [eventOf(one, clock.ms)]);
    one.next += 1;
  }
  if (one.next >= one.run.items.length) open.splice(at, 1);
}

function eventOf({ stream, run, ids, next }: Open, ms: number): ReadyEvent {
  const item = run.items[next];
  if (item === undefined) throw new TypeError('no such item');
  const { actorKind, actorId, after = 0, reviews, answers: _answers, ...draft } = item;
  const told = ms + after * 1000;
  const seq = next + 1;
  // What comes from outside brings its own time, which may be long ago.
  const isOld = run.origin === 'importer';
  const time = timeOf(isOld ? told - 86_400_000 * 300 : told);
  const isOurs = run.origin === 'service' && actorKind === undefined;
  const placed = placeItem(draft, {
    id: ids[next] ?? '',
    stream,
    seq,
    tax: '1.1',
    time: isOurs ? timeOf(told) : time,
    recorded: isOurs ? undefined : timeOf(ms),
    actor:
      actorKind === undefined ? { kind: run.origin, id: 'test' } : { kind: actorKind, id: actorId ?? '' },
    subject: seq === 1 ? run.subject : undefined,
  });
  const core = reviews === undefined ? placed.core : { ...placed.core, facts: reviewFacts(item, ids) };
  const salt = createHash('sha256').update(`${stream} ${seq}`).digest();
  return sealItem({ ...placed, core }, chainStart(stream), {
    key: keyOf(stream),
    salt,
    nonce: salt.subarray(0, 12),
  });
}

/** The facts of a review as its catalogue entry takes them. */
const reviewFacts = ({ metadata, reviews = 0, answers }: PlantedItem, ids: readonly string[]) => ({
  ...metadata,
  decision: ids[reviews],
  reason_chars: 12,
  ...(answers === undefined ? {} : { answers: ids[answers] }),
});

function publish(store: MemoryStore, version: number, ms: number): void {
  const stream = 'policy-workshop';
  const metadata = {
    policy_id: 'workshop',
    version,
    sha256: hexOf(`policy ${version}`),
    document: { checker: { model: `guard-${version}` }, on_checker_failure: 'fail_open' },
  };
  const placed = placeItem(
    { item_type: 'policy_published', stage: 0, metadata },
    {
      id: keyedId(keyOf(stream), stream, String(version)),
      stream,
      seq: version,
      tax: '1.1',
      time: timeOf(ms),
      actor: { kind: 'service', id: 'policies' },
    },
  );
  const salt = createHash('sha256').update(`${stream} ${version}`).digest();
  const kit = { key: keyOf(stream), salt, nonce: salt.subarray(0, 12) };
  store.add(stream, [sealItem(placed, chainStart(stream), kit)]);
}

function addExport(store: MemoryStore, index: number): void {
  const id = `export_20251103_200000_${String(index).padStart(8, '0')}`;
  exportHistory(store, id, 'export_requested', index % 200 === 50 ? 'export_finished' : 'export_failed');
}

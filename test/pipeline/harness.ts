import { Buffer } from 'node:buffer';
import { hash } from 'node:crypto';
import { catalogued, type KnownItemType } from '../../src/events/catalogue.ts';
import { chainStart, eventHash } from '../../src/events/digest.ts';
import { decodeEvent, type LedgerEvent, placeItem, sealItem } from '../../src/events/envelope.ts';
import { keyedDigestOf, keyedId } from '../../src/events/ids.ts';
import { type ExecutionItem, type ItemDraft, mergeItem } from '../../src/events/item.ts';
import { findUnrecordable } from '../../src/events/recordable.ts';
import { timeOf } from '../../src/events/time.ts';
import { LedgerError } from '../../src/errors.ts';
import type { TextBackend } from '../../src/pipeline/backends/text-backend.ts';
import { builtinMedia } from '../../src/pipeline/backends/builtin/builtin-media.ts';
import { builtinText } from '../../src/pipeline/backends/builtin/builtin-text.ts';
import { orchestrate } from '../../src/pipeline/orchestrate.ts';
import type { Plan, Ports } from '../../src/pipeline/plan.ts';
import { noProgress } from '../../src/pipeline/progress.ts';
import { startItems } from '../../src/pipeline/start-items.ts';
import { decide } from '../../src/run/decide.ts';
import { evolveRecord, headerOf, initialRecordState, type RecordState } from '../../src/run/record.ts';
import { bundledPolicy } from '../../src/safety/bundled-policy.ts';
import { builtinContextRules } from '../../src/safety/context-rules.ts';
import { activatePolicy } from '../../src/safety/policy.ts';
import { bundledLibrary } from '../../src/workflows/library.ts';
import { resolveOutputs } from '../../src/workflows/resolve-outputs.ts';

export const harmless = 'Eine Blume auf der Wiese';
export const opening = ['pipeline_start', 'user_input_text', 'stage1_safety_check', 'translation_result'];
export const image = ['stage3_safety_check', 'output_image'];
export const downChecker = {
  model: 'ollama/llama-guard3:1b',
  check: () => Promise.reject(new LedgerError('UNAVAILABLE', { what: 'The checker', cure: 'start it' })),
};

/** A text backend whose transformations all answer the same. */
export const answering = (text: string): TextBackend => {
  const builtin = builtinText(tickingClock());
  return {
    name: 'fixed',
    run: async (request, signal) => ({ ...(await builtin.run(request, signal)), text }),
  };
};

const library = bundledLibrary();
const key = Buffer.alloc(32, 7);

/** A clock that goes on by a millisecond each time it is read. */
export function tickingClock(): () => number {
  let ticks = 0;
  return () => {
    ticks += 1;
    return ticks / 1000;
  };
}

export const commitText = (text: string): string => keyedDigestOf(key, 'text', text);

/** A plan over the bundled documents as a service would make it. */
export function planOf(workflow: string, inputText: string, overrides: Partial<Plan> = {}): Plan {
  const { document, sha256 } = library.workflow(workflow);
  const executionMode = overrides.executionMode ?? 'eco';
  return {
    executionId: 'exec_20260101_120000_00000001',
    workflow: document,
    workflowSha256: sha256,
    outputs: resolveOutputs(document, library, executionMode),
    inputText,
    executionMode,
    safetyLevel: 'kids',
    levelSetBy: 'request',
    seed: 42,
    policy: activatePolicy(bundledPolicy),
    inputImages: [],
    done: noProgress,
    ...overrides,
  };
}

export type Sink = Ports['media'] & { readonly stored: ReadonlyMap<string, Uint8Array> };

/** Keeps media in memory; the real store has its own tests. */
export function memorySink(mediaType = 'image/png'): Sink {
  const stored = new Map<string, Uint8Array>();
  return {
    stored,
    put(bytes) {
      const sha256 = hash('sha256', bytes);
      stored.set(sha256, bytes);
      return Promise.resolve({ sha256, mediaType, sizeBytes: bytes.byteLength });
    },
  };
}

export function portsWith(overrides: Partial<Ports> = {}): Ports {
  const clock = overrides.clock ?? tickingClock();
  return {
    text: builtinText(clock),
    mediaBackendOf: () => builtinMedia(clock),
    contextCheck: builtinContextRules(clock),
    commitText,
    media: memorySink(),
    clock,
    ask: () => Promise.reject(new Error('no model is there')),
    readMedium: () => Promise.reject(new Error('no picture is handed in here')),
    mayBegin: () => true,
    backOff: () => Promise.resolve(),
    ...overrides,
  };
}

export type Ran = {
  readonly drafts: readonly ItemDraft[];
  readonly events: readonly LedgerEvent[];
  readonly items: readonly ExecutionItem[];
  readonly record: RecordState;
  readonly header: ReturnType<typeof headerOf>;
};

/**
 * Runs a plan on a fake emit that does what the real one does, save storing: each item goes through the decider as our
 * own, becomes bytes, is read back, and is folded.
 */
export async function run(
  plan: Plan,
  ports: Ports = portsWith(),
  signal = new AbortController().signal,
): Promise<Ran> {
  const log = fakeLog(plan.executionId);
  for (const item of startItems(plan, { userId: 'anonymous', sessionId: 'default' })) log.append(item);
  log.append({ item_type: 'run_claimed', metadata: { worker: 'w1' } });
  await orchestrate(
    plan,
    ports,
    async (...items) => {
      await Promise.resolve();
      for (const item of items) log.append(item);
    },
    signal,
  );
  return log.ran();
}

export function fakeLog(executionId: string): { append: (item: ItemDraft) => void; ran: () => Ran } {
  const stream = `run-${executionId}`;
  const drafts: ItemDraft[] = [];
  const events: LedgerEvent[] = [];
  let record = initialRecordState(executionId);
  let prev = chainStart(stream);
  return {
    append(item) {
      const bad = findUnrecordable(item);
      if (bad !== undefined) throw new Error(`${item.item_type} ${bad.pointer} ${bad.detail}`);
      decide({ by: 'own', item }, record.life);
      const seq = drafts.length + 1;
      const ready = sealItem(
        placeItem(item, {
          id: keyedId(key, stream, String(seq)),
          stream,
          seq,
          tax: '1.1',
          time: timeOf(Date.UTC(2026, 0, 1, 12, 0, seq)),
          actor: { kind: 'service', id: 'runledger' },
        }),
        prev,
        { key, salt: Buffer.alloc(32, seq), nonce: Buffer.alloc(12, seq) },
      );
      prev = eventHash(ready.core).toString('base64');
      const event = decodeEvent({ ...ready, stream, revision: seq - 1, position: String(seq) }, key);
      drafts.push(item);
      events.push(event);
      record = evolveRecord(record, event);
    },
    ran: () => ({
      drafts,
      events,
      items: events.map(({ core, payload, erased }) => mergeItem(core, payload, erased)),
      record,
      header: headerOf(record),
    }),
  };
}

/** The item types of the rows of domain.md §5: journey and decision items only. */
export const story = (ran: Pick<Ran, 'items'>): string[] =>
  ran.items
    .map((item) => item.item_type)
    .filter((type) => ['journey', 'decision'].includes(catalogued(type)?.kind ?? ''));

export const itemsOf = (ran: Ran, type: KnownItemType): readonly ExecutionItem[] =>
  ran.items.filter((item) => item.item_type === type);

/** The only item of a type; fails the test where there is none or more than one. */
export function itemOf(ran: Ran, type: KnownItemType): ExecutionItem {
  const [item, ...more] = itemsOf(ran, type);
  if (item === undefined || more.length > 0) throw new Error(`${more.length + (item ? 1 : 0)} items ${type}`);
  return item;
}

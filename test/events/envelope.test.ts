import { randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { v7 } from 'uuid';
import { LedgerError } from '../../src/errors.ts';
import { canonicalText } from '../../src/events/canonical.ts';
import type { Core } from '../../src/events/core.ts';
import { chainStart, eventHash } from '../../src/events/digest.ts';
import { decodeEvent, type Placement, placeItem, sealItem } from '../../src/events/envelope.ts';
import {
  type ExecutionItem,
  executionItem,
  type ItemDraft,
  mergeItem,
  splitItem,
} from '../../src/events/item.ts';
import { findUnrecordable } from '../../src/events/recordable.ts';
import type { StoredEvent } from '../../src/events/stored-event.ts';
import { isToken } from '../../src/events/token.ts';
import { upcastType } from '../../src/events/upcast.ts';
import { anyDraft } from './items.ts';

const stream = 'run-exec_20260101_000000_00000001';
const key = randomBytes(32);
const time = '2026-01-01T00:00:00.123Z';

const placement = (seq: number): Placement => ({
  id: v7(),
  stream,
  seq,
  tax: '1.1',
  time,
  actor: { kind: 'client', id: 'http' },
});

/** The bytes of these items as a store gives them back. */
function stored(drafts: readonly ItemDraft[]): readonly StoredEvent[] {
  let prev = chainStart(stream);
  return drafts.map((draft, revision) => {
    const kit = { key, salt: randomBytes(32), nonce: randomBytes(12) };
    const ready = sealItem(placeItem(draft, placement(revision + 1)), prev, kit);
    prev = Buffer.from(ready.hash).toString('base64');
    return { ...ready, stream, revision, position: String(revision) };
  });
}

function only(draft: ItemDraft): StoredEvent {
  const [event] = stored([draft]);
  if (event === undefined) throw new Error('nothing was stored');
  return event;
}

function shown(event: StoredEvent, withKey: Uint8Array | undefined): ExecutionItem {
  const { core, payload, erased } = decodeEvent(event, withKey);
  return mergeItem(core, payload, erased);
}

test('any item survives the way into the store and back with every member equal', () => {
  fc.assert(
    fc.property(anyDraft, (draft) => {
      expect(findUnrecordable(draft)).toBeUndefined();
      const item = shown(only(draft), key);
      const { extra, user_id: userId, session_id: sessionId, record, metadata, ...members } = draft;
      const today = upcastType(draft.item_type);
      for (const [member, value] of Object.entries(members)) {
        expect(item[member]).toEqual(member === 'item_type' ? today : (value ?? null));
      }
      expect(item.metadata).toEqual(metadata ?? {});
      for (const [member, value] of Object.entries(extra ?? {})) expect(item[member]).toEqual(value);
      expect(item['source']).toEqual(today === draft.item_type ? undefined : { item_type: draft.item_type });
      const { payload } = decodeEvent(only(draft), key);
      expect(payload?.user_id).toBe(userId);
      expect(payload?.session_id).toBe(sessionId);
      expect(payload?.record).toEqual(record);
    }),
    { numRuns: 1_500 },
  );
});

test('an item with members of today’s types reads as an ExecutionItem', () => {
  const item = shown(
    only({ item_type: 'output_image', stage: 4, media_type: 'image', loop_iteration: 1 }),
    key,
  );
  expect(executionItem.parse(item)).toEqual(item);
  expect(item.content).toBeNull();
});

test('the core holds no string that is not a token, and nothing of content, file or user', () => {
  const strings = (value: unknown): readonly string[] =>
    typeof value === 'string'
      ? [value]
      : typeof value === 'object' && value !== null
        ? Object.entries(value).flatMap(([name, member]) => [name, ...strings(member)])
        : [];
  fc.assert(
    fc.property(anyDraft, fc.uuid(), (draft, secret) => {
      const personal = {
        content: secret,
        file_path: secret,
        user_id: secret,
        session_id: secret,
        record: { secret },
      };
      const { kept } = splitItem({ ...draft, ...personal });
      expect(strings(kept).filter((text) => !isToken(text))).toEqual([]);
      expect(canonicalText(kept)).not.toContain(secret);
    }),
    { numRuns: 1_500 },
  );
});

describe('a damaged event is noticed', () => {
  const isCorrupt = (event: StoredEvent): void => {
    let error: unknown;
    try {
      decodeEvent(event, key);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(LedgerError);
    expect(error).toMatchObject({ code: 'CORRUPT_EVENT' });
  };
  const changed = (bytes: Uint8Array, at: number, bits: number): Uint8Array => {
    const copy = Uint8Array.from(bytes);
    copy[at] = (copy[at] ?? 0) ^ bits;
    return copy;
  };
  const victim = only({
    item_type: 'stage3_safety_check',
    loop_iteration: 1,
    content: 'Blume',
    metadata: { safe: true, method: 'fast_filter', found_terms: ['x y'] },
  });

  test('after any change of any one byte of its core, hash or sealed payload', () => {
    for (const part of ['core', 'hash', 'sealed'] as const) {
      const bytes = victim[part] ?? new Uint8Array();
      expect(bytes.length).toBeGreaterThan(30);
      for (let at = 0; at < bytes.length; at += 1) {
        for (const bits of [1, 0x80, 0xff]) isCorrupt({ ...victim, [part]: changed(bytes, at, bits) });
      }
    }
  });

  test('after any other change of a byte, whatever the item', () => {
    fc.assert(
      fc.property(anyDraft, fc.nat(), fc.integer({ min: 1, max: 255 }), (draft, place, bits) => {
        const event = only(draft);
        for (const part of ['core', 'hash', 'sealed'] as const) {
          const bytes = event[part];
          if (bytes === null) continue;
          isCorrupt({ ...event, [part]: changed(bytes, place % bytes.length, bits) });
          isCorrupt({ ...event, [part]: bytes.subarray(0, place % bytes.length) });
          isCorrupt({ ...event, [part]: Buffer.concat([bytes, Buffer.of(bits)]) });
        }
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    ['id', { id: v7() }],
    ['type', { type: 'stage1_safety_check' }],
    ['stream', { stream: 'run-other' }],
    ['revision', { revision: 1 }],
    ['payload, which is gone though its core commits to it', { sealed: null }],
  ])('under another %s', (_, change) => {
    isCorrupt({ ...victim, ...change });
  });

  test('with a payload that was sealed for another place or with another key', () => {
    const [first, second] = stored([
      { item_type: 'log_entry', content: 'a' },
      { item_type: 'log_entry', content: 'a' },
    ]);
    if (first === undefined || second === undefined) throw new Error('two were stored');
    isCorrupt({ ...second, sealed: first.sealed });
    expect(() => decodeEvent(first, randomBytes(32))).toThrow(/not sealed for it/);
  });

  test('with a payload though its core has none', () => {
    isCorrupt({ ...only({ item_type: 'stage_transition', stage: 1 }), sealed: Buffer.alloc(80) });
  });

  test('when its core and hash were rewritten together but not to our shape', () => {
    for (const core of [Buffer.from('{}'), Buffer.from('no json'), Buffer.from([0xff, 0xfe])]) {
      isCorrupt({ ...victim, core, hash: eventHash(core) });
    }
  });
});

test('an event whose key is gone reads as erased, keeps its core, and its stream still verifies', () => {
  fc.assert(
    fc.property(fc.array(anyDraft, { minLength: 1, maxLength: 6 }), (drafts) => {
      let prev = chainStart(stream);
      for (const [index, event] of stored(drafts).entries()) {
        const whole = decodeEvent(event, key);
        const { core, payload, erased } = decodeEvent(event, undefined);
        expect(core).toEqual(whole.core);
        expect(payload).toBeNull();
        expect(erased).toBe(whole.payload !== null);
        const item = mergeItem(core, payload, erased);
        expect(item.content).toBeNull();
        expect(item['erased']).toBe(erased ? true : undefined);
        expect(item.metadata).toEqual(core.facts ?? {});
        expect(core).toMatchObject({ seq: index + 1, prev } satisfies Partial<Core>);
        prev = eventHash(event.core).toString('base64');
      }
    }),
    { numRuns: 200 },
  );
});

describe('what could not be read back is refused before it is stored', () => {
  test.each([
    ['a type that is no identifier', { item_type: 'My Type' }, {}, /item_type/],
    [
      'a time that is not UTC',
      { item_type: 'log_entry' },
      { time: '2026-01-01T00:00:00+01:00' },
      /timestamp/,
    ],
    ['an id that is no UUID', { item_type: 'log_entry' }, { id: 'x' }, /id/],
    ['a content that is no text', { item_type: 'log_entry', content: 5 }, {}, /content/],
  ])('%s', (_, draft, change, message) => {
    const place = (): unknown => placeItem(draft as ItemDraft, { ...placement(1), ...change });
    expect(place).toThrow(message);
    expect(place).toThrow(expect.objectContaining({ code: 'ITEM_SHAPE' }));
  });
});

test('facts that would make the core too large go to the payload', () => {
  const words = Array.from({ length: 64 }, (_, index) => `${index}`.padEnd(128, '漢'));
  const draft = {
    item_type: 'stage1_blocked',
    metadata: { blocked_codes: words, blocked_reason: 'x' },
  };
  const long = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`k${index}`, index]));
  const check = { item_type: 'stage1_safety_check', metadata: { safe: true, parameters: long } };
  for (const item of [draft, check]) {
    const event = only(item);
    expect(event.core.byteLength).toBeLessThanOrEqual(60_000);
    expect(shown(event, key).metadata).toEqual(item.metadata);
  }
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { decodeEvent, type Placement, placeItem, sealItem } from '../../src/events/envelope.ts';
import { type ItemDraft, mergeItem } from '../../src/events/item.ts';
import { openPayload } from '../../src/events/seal.ts';
import type { StoredEvent } from '../../src/events/stored-event.ts';
import { replayRecord } from '../../src/run/record.ts';

type GoldenEvent = {
  readonly item: ItemDraft;
  readonly placement: Placement;
  /** base64, as everything below that is bytes. */
  readonly salt: string;
  readonly nonce: string;
  readonly stored: { readonly core: string; readonly hash: string; readonly sealed: string | null };
  readonly commit: string | null;
  readonly shown: unknown;
};
type GoldenRun = { readonly stream: string; readonly key: string; readonly events: readonly GoldenEvent[] };

const text = readFileSync(join(import.meta.dirname, 'run-v1.json'), 'utf8');
const golden = JSON.parse(text) as GoldenRun;
const key = bytes(golden.key);

function bytes(base64: string): Buffer {
  return Buffer.from(base64, 'base64');
}

function storedEvent({ placement, item, stored }: GoldenEvent): StoredEvent {
  return {
    id: placement.id,
    type: item.item_type,
    core: bytes(stored.core),
    hash: bytes(stored.hash),
    sealed: stored.sealed === null ? null : bytes(stored.sealed),
    stream: golden.stream,
    revision: placement.seq - 1,
    position: '',
  };
}

describe('the golden run of envelope version 1', () => {
  test('is the file that was committed once', () => {
    expect(createHash('sha256').update(text).digest('hex')).toBe('f9e92af238b732b286aefc99cb8e07bb3940a025715269fd46170a232eea1182');
    expect(golden.events).toHaveLength(21);
  });

  test('decodes: every hash, link and commitment holds, and every item comes back', () => {
    let prev = createHash('sha256').update(`runledger/v1\n${golden.stream}`).digest('base64');
    for (const expected of golden.events) {
      const event = storedEvent(expected);
      const { core, payload, erased } = decodeEvent(event, key);
      expect(createHash('sha256').update(Buffer.of(0)).update(event.core).digest()).toEqual(event.hash);
      expect(core.prev).toBe(prev);
      expect(core.payload?.commit ?? null).toBe(expected.commit);
      if (event.sealed !== null) {
        const opened = openPayload(event.sealed, golden.stream, core.seq, key);
        const salt = bytes(expected.salt);
        expect(opened?.subarray(0, salt.byteLength)).toEqual(salt);
        expect(createHash('sha256').update(opened ?? '').digest('base64')).toBe(expected.commit);
      }
      // Readers may derive more members later; none that was ever shown may change or go.
      expect(mergeItem(core, payload, erased)).toMatchObject(expected.shown as object);
      prev = expected.stored.hash;
    }
  });

  test('is sealed again from what it decodes to byte for byte', () => {
    for (const expected of golden.events) {
      const { core, payload } = decodeEvent(storedEvent(expected), key);
      const { prev, payload: _, ...draft } = core;
      const kit = { key, salt: bytes(expected.salt), nonce: bytes(expected.nonce) };
      const ready = sealItem({ core: draft, payload }, prev, kit);
      expect(Buffer.from(ready.core).toString('base64')).toBe(expected.stored.core);
      expect(Buffer.from(ready.sealed ?? '').toString('base64')).toBe(expected.stored.sealed ?? '');
    }
  });

  // Where a fact schema comes to take one member more, items are split otherwise from then on: add a golden file that is
  // written from its items, and let this one only be sealed again.
  test('is written again from its items byte for byte', () => {
    let prev = createHash('sha256').update(`runledger/v1\n${golden.stream}`).digest('base64');
    for (const { item, placement, salt, nonce, stored } of golden.events) {
      const kit = { key, salt: bytes(salt), nonce: bytes(nonce) };
      const ready = sealItem(placeItem(item, placement), prev, kit);
      expect({
        core: Buffer.from(ready.core).toString('base64'),
        hash: Buffer.from(ready.hash).toString('base64'),
        sealed: ready.sealed === null ? null : Buffer.from(ready.sealed).toString('base64'),
      }).toEqual(stored);
      prev = stored.hash;
    }
  });

  test('is a completed run with one output generated and one blocked, and no findings', () => {
    const events = golden.events.map((event) => decodeEvent(storedEvent(event), key));
    expect(replayRecord('exec_20260314_091502_1b7d03aa', events)).toMatchObject({
      status: 'completed',
      config_name: 'stillepost',
      user_id: 'group-7',
      scope_id: 'A 1',
      outputs_generated: 1,
      outputs_blocked: 1,
      findings: [],
      result: { text: 'Flower of the meadow' },
    });
  });

  test('keeps what an audit needs once its key is gone', () => {
    const events = golden.events.map((event) => decodeEvent(storedEvent(event), undefined));
    const record = replayRecord('exec_20260314_091502_1b7d03aa', events);
    expect(record).toMatchObject({ status: 'completed', config_name: 'stillepost', outputs_blocked: 1, erased: true });
    expect(JSON.stringify(record)).not.toMatch(/Blume|flower|group-7|Werkstatt|a term/i);
  });
});

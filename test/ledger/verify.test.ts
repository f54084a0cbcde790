import { describe, expect, test } from 'vitest';
import { bundleBytes } from '../../src/ledger/bundle.ts';
import { verifyBundle } from '../../src/ledger/verify.ts';
import { attacks, type Case, malformed, outcomes, pinned, runOf } from './cases.ts';
import { firstStatuses, lacking, secondStatuses, type Task } from './second-verifier.ts';
import { completed } from './small-ledger.ts';

/**
 * safety-audit.md §4: what the offline verifier says, and that a second one, which shares no line with it, says the same.
 */
const tasksOf = (cases: readonly Case[]): readonly Task[] =>
  cases.map(({ bytes, known = pinned }) => ({ bytes, known }));

describe('the verifier tells', () => {
  test.each([...outcomes, ...malformed])('$name: $status', ({ bytes, known = pinned, status }) => {
    expect(firstStatuses([{ bytes, known }])).toEqual([status]);
  });
});

describe('the verifier finds', () => {
  test.each(attacks)('$name', ({ bytes, known = pinned, code }) => {
    const { outcome, faults } = verifyBundle(bytes, known);
    expect(outcome).toBe('tampered');
    expect(faults.map((fault) => fault.code)).toContain(code);
  });
});

/** Each byte with each of its bits turned, and each byte left out. */
function mutationsOf(bytes: Uint8Array): readonly Uint8Array[] {
  const mutations: Uint8Array[] = [];
  for (const [at, byte] of bytes.entries()) {
    for (let bit = 1; bit <= 0x80; bit *= 2) {
      const mutated = Buffer.from(bytes);
      mutated[at] = byte ^ bit;
      mutations.push(mutated);
    }
    mutations.push(Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]));
  }
  return mutations;
}

const smallest = (): Uint8Array =>
  bundleBytes(runOf({ item_type: 'pipeline_start', stage: 0, user_id: 'ä' }, completed));

test('every change of one byte of a bundle is detected', () => {
  const statuses = firstStatuses(mutationsOf(smallest()).map((bytes) => ({ bytes, known: pinned })));
  expect(statuses.length).toBeGreaterThan(10_000);
  expect(statuses.filter((status) => status !== 1 && status !== 2)).toEqual([]);
});

describe.skipIf(lacking.length > 0)(`the second verifier (needs python3 and openssl)`, () => {
  test('agrees on every outcome, attack and malformed file', () => {
    const cases = [...outcomes, ...attacks, ...malformed];
    const statuses = secondStatuses(tasksOf(cases));
    expect(cases.map(({ name }, at) => `${name}: ${statuses[at]}`)).toEqual(
      cases.map(({ name, status }) => `${name}: ${status}`),
    );
  });

  test('detects every change of one byte, and calls it by the same status', () => {
    const tasks = mutationsOf(smallest()).map((bytes) => ({ bytes, known: pinned }));
    expect(secondStatuses(tasks)).toEqual(firstStatuses(tasks));
  });
});

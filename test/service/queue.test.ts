import { describe, expect, test } from 'vitest';
import { createRunQueue } from '../../src/service/run-queue.ts';
import { type Moment, moment } from '../moment.ts';

/** A queue whose runs end when the test says so. */
function heldQueue(concurrency: number) {
  const begun: string[] = [];
  const ends = new Map<string, Moment>();
  const queue = createRunQueue(concurrency, async (id) => {
    begun.push(id);
    const end = moment();
    ends.set(id, end);
    await end.come;
  });
  const end = async (id: string): Promise<void> => {
    ends.get(id)?.arrive();
    // The place is free once the run's promise has settled.
    for (let turns = 0; turns < 5; turns += 1) await Promise.resolve();
  };
  return { queue, begun, end };
}

describe('the queue of runs', () => {
  test('executes at most so many at once', async () => {
    const { queue, begun, end } = heldQueue(2);
    for (const id of ['a', 'b', 'c', 'd']) queue.add(id, id);
    expect(begun).toEqual(['a', 'b']);
    await end('a');
    expect(begun).toEqual(['a', 'b', 'c']);
  });

  test('gives each session its turn: twelve tablets pressing at once wait for one another, not for one of them', async () => {
    const { queue, begun, end } = heldQueue(1);
    for (let nth = 1; nth <= 3; nth += 1) queue.add(`greedy-${nth}`, 'greedy');
    for (let tablet = 1; tablet <= 11; tablet += 1) queue.add(`tablet-${tablet}`, `session-${tablet}`);
    for (let nth = 0; nth < 13; nth += 1) await end(begun.at(-1) ?? '');
    const tablets = Array.from({ length: 11 }, (_, index) => `tablet-${index + 1}`);
    expect(begun).toEqual(['greedy-1', 'greedy-2', ...tablets, 'greedy-3']);
  });

  test('keeps a session’s runs in order, and takes one out that is not wanted any more', async () => {
    const { queue, begun, end } = heldQueue(1);
    for (const id of ['a', 'b', 'c']) queue.add(id, 'one');
    queue.add('b', 'one');
    expect(queue.remove('b')).toBe('one');
    expect(queue.remove('b')).toBeUndefined();
    expect(queue.remove('a')).toBeUndefined();
    await end('a');
    await end('c');
    expect(begun).toEqual(['a', 'c']);
    await queue.idle();
  });

  test('refuses more than 10,000 waiting runs with QUEUE_FULL, before anything is recorded', () => {
    const { queue } = heldQueue(1);
    for (let nth = 0; nth <= 10_000; nth += 1) queue.add(String(nth), `session-${nth % 12}`);
    expect(queue.assertRoom).toThrow(/10000 runs wait/);
  });

  test('once stopped begins nothing, and waits for what has begun', async () => {
    const { queue, begun, end } = heldQueue(1);
    queue.add('a', 'one');
    queue.add('b', 'one');
    const stopped = queue.stop();
    await end('a');
    await stopped;
    expect(begun).toEqual(['a']);
  });
});

import { expect, test } from 'vitest';
import type { ItemDraft } from '../../src/events/item.ts';
import { runBench } from '../run-bench.ts';

const item = (item_type: string): { readonly draft: ItemDraft } => ({ draft: { item_type, stage: 0 } });
const own = (executionId: string, type: string) =>
  ({ executionId, by: 'own', run: 'existing', items: [item(type)] }) as const;

test('on a shared log a refusal by a remembered head is decided anew from the stream', async () => {
  const bench = runBench();
  const shared = () => bench.another((store) => ({ ...store, isShared: true }));
  const [a, b] = [shared(), shared()];
  await a.record({ executionId: 'run', by: 'own', run: 'new', items: [item('pipeline_start')] });
  await a.record(own('run', 'run_paused'));
  const { state } = await b.record(own('run', 'run_resumed'));
  expect(state.phase).toBe('pending');
  // a remembers a paused run, which cannot be paused.
  expect((await a.record(own('run', 'run_paused'))).state.phase).toBe('paused');
  await b.record({ ...own('run', 'run_resumed'), expectedVersion: 3 });
  expect((await a.record({ ...own('run', 'log_entry'), expectedVersion: 4 })).state.version).toBe(5);
  await expect(a.record({ ...own('run', 'log_entry'), expectedVersion: 4 })).rejects.toMatchObject({
    code: 'VERSION_MISMATCH',
  });
});

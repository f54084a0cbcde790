import * as fc from 'fast-check';
import {
  complete,
  decisionOf,
  final,
  image,
  inLoop,
  input,
  inputCheck,
  iteration,
  lawFinding,
  note,
  otherText,
  outputCheck,
  override,
  type RunItem,
  skip,
  start,
  translation,
} from './checked-runs.ts';

type Output =
  | 'image'
  | 'batch'
  | 'blocked'
  | 'failed'
  | 'no_backend'
  | 'withheld'
  | 'skipped_check'
  | 'fail_open';

/** What an output leaves, first to last; media that were delivered beside. */
const outputItems: Readonly<Record<Output, (loop: number) => readonly RunItem[]>> = {
  image: (loop) => [outputCheck(loop), note('step_started', { step_id: 'output', attempt: 1 }), image(loop)],
  batch: (loop) => [outputCheck(loop), image(loop), image(loop), image(loop)],
  blocked: (loop) => [outputCheck(loop, { verdict: 'unsafe' }), inLoop(loop, 'stage3_blocked')],
  failed: (loop) => [outputCheck(loop), note('attempt_failed'), inLoop(loop, 'output_failed')],
  no_backend: (loop) => [inLoop(loop, 'output_skipped', { reason: 'no_backend' })],
  withheld: (loop) => [
    outputCheck(loop),
    inLoop(loop, 'stage4_safety_check', decisionOf({ verdict: 'unsafe', check_point: 'post_output' })),
    inLoop(loop, 'stage4_blocked'),
  ],
  skipped_check: (loop) => [outputCheck(loop), skip(loop), image(loop)],
  fail_open: (loop) => [
    outputCheck(loop, {
      verdict: 'indeterminate',
      enforcement: { action: 'allow', basis: 'fail_open' },
      steps: [{ method: 'llm_context_check', status: 'timeout', duration: 1 }],
    }),
    image(loop),
  ],
};

/** Lanes that take turns, each in its own order: outputs are made side by side. */
function interleaved(lanes: readonly (readonly RunItem[])[], turns: readonly number[]): RunItem[] {
  const left = lanes.map((lane) => [...lane]);
  const items: RunItem[] = [];
  for (let turn = 0; left.some(({ length }) => length > 0); turn++) {
    const open = left.filter(({ length }) => length > 0);
    const next = open[(turns[turn % turns.length] ?? 0) % open.length]?.shift();
    if (next !== undefined) items.push(next);
  }
  return items;
}

/** What a valid run is made from. */
export const shape = fc.record({
  level: fc.constantFrom('kids', 'youth', 'adult'),
  isCheckedAfterTranslation: fc.boolean(),
  iterations: fc.integer({ min: 0, max: 5 }),
  recoveries: fc.integer({ min: 0, max: 2 }),
  outputs: fc.array(fc.constantFrom(...(Object.keys(outputItems) as Output[])), {
    minLength: 1,
    maxLength: 4,
  }),
  turns: fc.array(fc.nat(7), { minLength: 1, maxLength: 12 }),
  after: fc.array(fc.constantFrom('usage_recorded', 'log_entry', 'recorder_gap', 'late_result_discarded'), {
    maxLength: 3,
  }),
});
type Shape = typeof shape extends fc.Arbitrary<infer S> ? S : never;

/** A run that keeps every rule, as our own pipeline makes them; it always has a checked picture as output 1. */
export function validRun({
  level,
  isCheckedAfterTranslation,
  iterations,
  recoveries,
  outputs,
  turns,
  after,
}: Shape): RunItem[] {
  const check = inputCheck({ safety_level: level });
  const lanes = ['image' as const, ...outputs].map((output, index) => outputItems[output](index + 1));
  const journey = [
    start(level),
    input,
    note('run_claimed', { worker: 'a' }),
    ...(isCheckedAfterTranslation ? [translation, check] : [check, translation]),
    ...Array.from({ length: recoveries }, () => note('run_recovered', { worker: 'b' })),
    ...Array.from({ length: iterations }, (_, index) => iteration(index + 1)),
    final,
    ...interleaved(lanes, turns),
  ];
  const generated = journey.filter(({ item_type }) => item_type === 'output_image').length;
  return [...journey, complete(journey.length + 1, generated), ...after.map((type) => note(type))];
}

const isOf =
  (type: string, loop?: number) =>
  (item: RunItem): boolean =>
    item.item_type === type && (loop === undefined || item.loop_iteration === loop);
const seqsOf = (items: readonly RunItem[], is: (item: RunItem) => boolean): number[] =>
  items.flatMap((item, index) => (is(item) ? [index + 1] : []));
const changed = (
  items: readonly RunItem[],
  is: (item: RunItem) => boolean,
  change: (item: RunItem) => RunItem,
) => items.map((item) => (is(item) ? change(item) : item));
const withMetadata =
  (more: Record<string, unknown>) =>
  (item: RunItem): RunItem => ({
    ...item,
    metadata: { ...item.metadata, ...more },
  });

/** What is planted into a valid run, and what that breaks. */
export const plants: Readonly<
  Record<string, (items: readonly RunItem[]) => { items: RunItem[]; broken: object }>
> = {
  'the decision of an output turned into a refusal': (items) => {
    const is = isOf('stage3_safety_check', 1);
    const refused = changed(items, is, () => outputCheck(1, { verdict: 'unsafe' }));
    return { items: refused, broken: { I1: seqsOf(items, isOf('output_image', 1)) } };
  },
  'an output made from another text': (items) => ({
    items: changed(items, isOf('stage3_safety_check', 1), () => outputCheck(1, otherText)),
    broken: { I1: seqsOf(items, isOf('output_image', 1)) },
  }),
  'a step after the end': (items) => ({
    items: [...items, final],
    broken: { I2: [items.length + 1] },
  }),
  'an allow over a failed step': (items) => ({
    items: changed(
      items,
      isOf('stage3_safety_check', 1),
      withMetadata({ steps: [{ method: 'llm_context_check', status: 'error', duration: 1 }] }),
    ),
    broken: { I3: seqsOf(items, isOf('stage3_safety_check', 1)) },
  }),
  'a policy that was never published': (items) => ({
    items: changed(
      items,
      isOf('stage1_safety_check'),
      withMetadata({ policy: { id: 'house', version: 3, sha256: '00'.repeat(32) } }),
    ),
    broken: { I4: seqsOf(items, isOf('stage1_safety_check')) },
  }),
  'a clock that went back': (items) => ({
    items: changed(items, isOf('interception_final'), (item) => ({
      ...item,
      time: '2026-03-01T09:00:00.000Z',
    })),
    broken: { I5: seqsOf(items, isOf('interception_final')) },
  }),
  'an iteration that does not count on': (items) => {
    const at = items.findIndex(isOf('interception_final'));
    const count = items.filter(isOf('interception_iteration')).length;
    const more = [...items.slice(0, at), iteration(count + 2), ...items.slice(at)];
    return { items: recounted(more), broken: { I6: [at + 1] } };
  },
  'a text after the outputs': (items) => {
    const at = items.findIndex(isOf('pipeline_complete'));
    const more = [...items.slice(0, at), translation, ...items.slice(at)];
    return { items: recounted(more), broken: { I6: [at + 1] } };
  },
  'an override without a reason': (items) => ({
    items: [...items, override(items.findIndex(isOf('stage1_safety_check')) + 1, { reason_chars: 3 })],
    broken: { I7: [items.length + 1] },
  }),
  'an override of a law-based block for kids': (items) => {
    const law = outputCheck(1, { verdict: 'unsafe', findings: [lawFinding] });
    const at = items.findIndex(isOf('stage3_safety_check', 1));
    const blocked = changed(items, isOf('stage3_safety_check', 1), () => law).filter(
      (item) => !isOf('output_image', 1)(item),
    );
    const counted = recounted(blocked);
    return {
      items: [...counted, override(at + 1, { role: 'youth_protection' })],
      broken: { I7: [counted.length + 1] },
    };
  },
  'an end that counts one more': (items) => {
    const is = isOf('pipeline_complete');
    const [seq = 0] = seqsOf(items, is);
    return {
      items: changed(items, is, withMetadata({ total_items_logged: seq + 1 })),
      broken: { I8: [seq] },
    };
  },
};

/** Makes the counts of the end those of the items. */
function recounted(items: readonly RunItem[]): RunItem[] {
  const end = items.findIndex(isOf('pipeline_complete'));
  const generated = items.slice(0, end).filter(isOf('output_image')).length;
  return items.map((item, index) => (index === end ? complete(end + 1, generated) : item));
}

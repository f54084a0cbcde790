import { canonicalText } from '../events/canonical.ts';
import { sha256Hex } from '../events/digest.ts';
import { type ExecutionItem, mergeItem } from '../events/item.ts';
import type { ComparedRun, RunComparison, StepText } from '../http/time-machine-port.ts';
import { evolveRecord, headerOf, initialRecordState } from '../run/record.ts';
import { alignSteps, createStepPlacer, type PlacedStep } from '../run/step-alignment.ts';
import { eventsOf, type ReplaySource } from './replay.ts';

type Source = Pick<ReplaySource, 'store' | 'keyOf'>;

/**
 * Two runs step by step. Texts are kept as digests while the runs are read, and read again only for the lines from
 * `offset` on, so memory grows with the steps and not with their texts. Undefined with the id of the run that is unknown.
 */
export async function compareRuns(
  source: Source,
  ids: { readonly left: string; readonly right: string },
  page: { readonly offset: number; readonly limit: number },
  signal: AbortSignal,
): Promise<RunComparison | { readonly unknown: string }> {
  const left = await readRun(source, ids.left, signal);
  if (left === undefined) return { unknown: ids.left };
  const right = await readRun(source, ids.right, signal);
  if (right === undefined) return { unknown: ids.right };
  const lines = alignSteps(left.steps, right.steps);
  const shown = lines.slice(page.offset, page.offset + page.limit);
  const textsOf = (side: 'left' | 'right') =>
    readTexts(source, ids[side], new Set(shown.map((line) => line[side]?.sequence_number ?? 0)), signal);
  return { left, right, lines, texts: { left: await textsOf('left'), right: await textsOf('right') } };
}

async function readRun(
  source: Source,
  executionId: string,
  signal: AbortSignal,
): Promise<ComparedRun | undefined> {
  const place = createStepPlacer();
  const steps: PlacedStep[] = [];
  let state = initialRecordState(executionId);
  let start: ExecutionItem | undefined;
  for await (const { event } of eventsOf(source, executionId, {}, signal)) {
    state = evolveRecord(state, event);
    const item = mergeItem(event.core, event.payload, event.erased);
    start ??= item;
    const step = place(item, textDigest(item));
    if (step !== undefined) steps.push(step);
  }
  if (start === undefined) return undefined;
  const { metadata } = start;
  const { workflow_sha256: workflowSha256 = null, policy = null } = metadata;
  return { header: headerOf(state), workflowSha256, policy, steps };
}

function textDigest({ content, file_path }: ExecutionItem): string | null {
  if (content === null && file_path === null) return null;
  return sha256Hex(canonicalText([content, file_path]));
}

async function readTexts(
  source: Source,
  executionId: string,
  wanted: ReadonlySet<number>,
  signal: AbortSignal,
): Promise<ReadonlyMap<number, StepText>> {
  const texts = new Map<number, StepText>();
  for await (const { event } of eventsOf(source, executionId, { seq: Math.max(...wanted, 1) }, signal)) {
    if (!wanted.has(event.core.seq)) continue;
    const { content, file_path } = mergeItem(event.core, event.payload, event.erased);
    texts.set(event.core.seq, { content, file_path });
  }
  return texts;
}

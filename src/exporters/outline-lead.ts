import { catalogued } from '../events/catalogue.ts';
import type { Replay } from './contract.ts';
import { evidenceFileName, lackWords } from './evidence.ts';
import { flatFacts, plain } from './flat-facts.ts';
import type { Block } from './outline.ts';
import { textBlock } from './outline-item.ts';
import { readableItem } from './readable-item.ts';
import { visibleText } from './visible-text.ts';
import { outputCounts, statusSentences, viewNames, words } from './words.ts';

/** The title block and the outcome: whose run it was, when, and what came of it. */
export async function leadOf(replay: Replay, signal: AbortSignal): Promise<Block[]> {
  return [
    ...(await outcomeBlocks(replay, signal)),
    {
      kind: 'facts',
      size: 'normal',
      rows: [...titleRows(replay), await evidenceRow(replay, signal)],
    },
    ...restBlocks(replay),
  ];
}

/** What became of the run; and of everything that is not there, why. */
async function outcomeBlocks({ header, language, setbacks }: Replay, signal: AbortSignal): Promise<Block[]> {
  const counts = (['outputs_generated', 'outputs_blocked', 'outputs_failed'] as const)
    .filter((count) => header[count] > 0)
    .map((count) => `${outputCounts[count][language]}: ${header[count]}`);
  const sentence = statusSentences[header.status]?.[language] ?? header.status;
  const blocks: Block[] = [
    {
      kind: 'note',
      tone:
        header.status === 'completed' && header.outputs_failed + header.outputs_blocked === 0
          ? 'good'
          : 'warning',
      text: counts.length === 0 ? sentence : `${sentence} ${counts.join(', ')}.`,
    },
  ];
  for await (const raw of setbacks(signal)) {
    const item = readableItem(raw);
    const label = catalogued(item.item_type)?.label[language] ?? item.item_type;
    const place = item.loop_iteration === null ? label : `${label} (${item.loop_iteration})`;
    if (item.content === null) blocks.push({ kind: 'note', tone: 'warning', text: visibleText(place) });
    else
      blocks.push(
        { kind: 'note', tone: 'warning', text: visibleText(`${place}:`) },
        textBlock(item.content, null),
      );
  }
  return blocks;
}

/** Header members that the title block shows in words of its own. */
const shown: ReadonlySet<string> = new Set([
  'execution_id',
  'config_name',
  'timestamp',
  'started_at',
  'completed_at',
  'total_execution_time',
  'execution_mode',
  'safety_level',
  'user_id',
  'session_id',
  'used_seed',
  'items_count',
  'taxonomy_version',
  'status',
  'view',
  // Told by the outcome, the items and the findings.
  'is_terminal',
  'outputs_generated',
  'outputs_blocked',
  'outputs_failed',
  'version',
  'result',
  'error',
  'findings',
]);

function titleRows({ header, language, head }: Replay): { label: string; value: string }[] {
  const row = (label: { readonly en: string; readonly de: string }, value: unknown) =>
    value === null || value === undefined
      ? []
      : [{ label: label[language], value: visibleText(plain(value)) }];
  const { view, total_execution_time: total } = header;
  const few = view === 'student' || view === 'advanced';
  return [
    ...row(words.run, header.execution_id),
    ...row(words.workflow, header.config_name ?? header.workflow_id),
    ...row(words.began, header.timestamp),
    ...(few
      ? []
      : [
          ...row(words.ended, header.completed_at),
          ...row(words.duration, total === null ? null : `${total} s`),
          ...row(words.status, header.status),
          ...row(words.mode, header.execution_mode),
          ...row(words.level, header.safety_level),
          ...row(words.person, header.user_id),
          ...row(words.session, header.session_id),
          ...row(words.seed, header.used_seed),
          ...row(words.items, header.items_count),
          ...row(words.taxonomy, header.taxonomy_version),
          ...row(words.chain, `${head.sequenceNumber}: ${head.hash}`),
        ]),
    ...row(words.view, view === undefined ? undefined : viewNames[view]?.[language]),
  ];
}

/** Where the proof stands, or why there is none: in every view, because a printed page is where somebody begins. */
async function evidenceRow(
  { header, language, evidence }: Replay,
  signal: AbortSignal,
): Promise<{ readonly label: string; readonly value: string }> {
  const found = await evidence(signal);
  const value =
    found.kind === 'none'
      ? lackWords[found.why][language]
      : `${evidenceFileName(header.execution_id)} ${words.attached[language]}`;
  return { label: words.evidence[language], value };
}

/** Members of an imported record that we have no word for. */
function restBlocks({ header, language }: Replay): Block[] {
  if (header.view === 'student' || header.view === 'advanced' || header.view === 'teacher') return [];
  const isTold = (key: string): boolean =>
    key === 'workflow_id' ? header.workflow_id === header.config_name : shown.has(key);
  const rest = Object.entries(header).filter(
    ([key, value]) => !isTold(key) && value !== null && value !== undefined,
  );
  if (rest.length === 0) return [];
  const rows = flatFacts(Object.fromEntries(rest)).map(({ label, value }) => ({
    label: visibleText(label),
    value: visibleText(value),
  }));
  return [
    { kind: 'heading', level: 1, text: words.alsoRecorded[language], isListed: false },
    { kind: 'facts', size: 'small', rows },
  ];
}

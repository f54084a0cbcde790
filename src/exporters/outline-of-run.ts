import { z } from 'zod';
import type { CatalogueEntry } from '../events/catalogue-entry.ts';
import { catalogued, unknownEntry } from '../events/catalogue.ts';
import type { ExecutionItem } from '../events/item.ts';
import { type Localized, localized } from '../events/localized.ts';
import type { Replay } from './contract.ts';
import type { Block, Outline } from './outline.ts';
import { readableItem } from './readable-item.ts';
import { leadOf } from './outline-lead.ts';
import { itemBlocks, passingBlocks, type Telling } from './outline-item.ts';
import { languageName, stageNames, words } from './words.ts';
import { visibleText } from './visible-text.ts';

/** From so many items on a report has a table of contents. */
const longFromItems = 30;
/** More headings of one level than these are not listed: a table of contents of a hundred pages helps nobody. */
const maxListedHeadings = 120;

/**
 * Tells a run as a report: by stages, and in the last two by outputs, in the order of the items. Headings come from the
 * catalogue's attributes, so an item of any type has its place, also of one that is not known. Holds the whole report in
 * memory.
 */
export async function outlineOfRun(replay: Replay, signal: AbortSignal): Promise<Outline> {
  const { header, language } = replay;
  const items: ExecutionItem[] = [];
  for await (const item of replay.items(signal)) items.push(readableItem(item));
  const body: Block[] = [];
  for await (const block of bodyOf(replay, items, signal)) body.push(block);
  const name = visibleText(header.config_name ?? '').trim();
  return {
    language,
    title: name === '' ? header.execution_id : name,
    description: visibleText(`${words.run[language]} ${header.execution_id}`),
    date: header.started_at,
    lead: await leadOf(replay, signal),
    body: listed([...body, ...findingBlocks(replay)]),
    isLong: items.length >= longFromItems,
  };
}

/** What pupils see has no stages: their pictures one after the other. */
const isFlat = (view: string | undefined): boolean => view === 'student' || view === 'advanced';
const isBrief = (view: string | undefined): boolean => isFlat(view) || view === 'teacher';

async function* bodyOf(
  replay: Replay,
  items: readonly ExecutionItem[],
  signal: AbortSignal,
): AsyncGenerator<Block, void, undefined> {
  const { language, header } = replay;
  if (items.length === 0) yield note(words.nothing[language]);
  const flat = isFlat(header.view);
  const telling: Telling = {
    replay,
    isBrief: isBrief(header.view),
    headingOf: headings(replay, items),
  };
  const outputs = new Set(items.map(({ loop_iteration }) => loop_iteration).filter((loop) => loop !== null))
    .size;
  for (const chapter of chaptersOf(items)) {
    const above = stageNames[chapter.stage ?? outside]?.[language] ?? words.elsewhere[language];
    if (!flat) yield { kind: 'heading', level: 1, text: above, isListed: true };
    for (const part of chapter.parts) {
      if (flat) {
        yield* told(part.items, { level: 1, above: '' }, telling, signal);
      } else if (part.loop === undefined || telling.isBrief) {
        yield* told(part.items, { level: 2, above }, telling, signal);
      } else {
        yield { kind: 'heading', level: 2, text: outputHeading(part, outputs), isListed: true };
        yield* told(part.items, { level: 3, above: '' }, telling, signal);
      }
    }
  }
}

/** The level of a part's headings, and what the one above them says. */
type Place = { readonly level: 1 | 2 | 3; readonly above: string };

/** Items under their headings; what stands between them (control and log items) in one small table. */
async function* told(
  items: readonly ExecutionItem[],
  { level, above }: Place,
  telling: Telling,
  signal: AbortSignal,
): AsyncGenerator<Block, void, undefined> {
  let passing: ExecutionItem[] = [];
  for (const [index, item] of items.entries()) {
    signal.throwIfAborted();
    const { kind } = entryOf(item);
    if (kind === 'control' || kind === 'log') {
      passing.push(item);
      continue;
    }
    yield* passingBlocks(passing, telling);
    passing = [];
    const text = visibleText(telling.headingOf(item));
    // The stage's heading may have said it.
    if (index > 0 || text !== above) yield { kind: 'heading', level, text, isListed: true };
    yield* await itemBlocks(item, telling);
  }
  yield* passingBlocks(passing, telling);
}

type Part = { readonly loop: number | undefined; readonly items: ExecutionItem[] };
type Chapter = { readonly stage: number | undefined; readonly parts: Part[] };

/**
 * Stages in their order, with stages 3 and 4 as one chapter that has a part for each output; items of no stage that we
 * know come last. Within a part the items keep the order of the run.
 */
function chaptersOf(items: readonly ExecutionItem[]): Chapter[] {
  const chapters = new Map<number, Map<number | undefined, ExecutionItem[]>>();
  for (const item of items) {
    const stage = item.stage === 4 ? 3 : item.stage;
    const place = stage !== null && stageNames[stage] !== undefined ? stage : outside;
    const loop = place === 3 ? (item.loop_iteration ?? undefined) : undefined;
    const parts = chapters.get(place) ?? new Map<number | undefined, ExecutionItem[]>();
    chapters.set(place, parts);
    const part = parts.get(loop) ?? [];
    parts.set(loop, part);
    part.push(item);
  }
  return [...chapters]
    .sort(([a], [b]) => a - b)
    .map(([stage, parts]) => ({
      stage: stage === outside ? undefined : stage,
      parts: [...parts]
        .sort(([a], [b]) => (a ?? Number.MAX_SAFE_INTEGER) - (b ?? Number.MAX_SAFE_INTEGER))
        .map(([loop, within]) => ({ loop, items: within })),
    }));
}

const outside = 9;

/** `1/2: sd35_large`, as researchers know it. */
function outputHeading({ loop, items }: Part, outputs: number): string {
  const config = items.find(({ config_used }) => config_used !== null)?.config_used;
  const place = `${loop ?? '?'}/${outputs}`;
  return visibleText(config === undefined || config === null ? place : `${place}: ${config}`);
}

/** What each item is called: by its label, which step it is, from which language into which, the how-manieth of its kind. */
function headings(
  { language, header, start }: Replay,
  items: readonly ExecutionItem[],
): (item: ExecutionItem) => string {
  const steps = items.filter((item) => entryOf(item).effect === 'iterate').length;
  const names = configNames(readableItem(start));
  const numbers = new Map<number, number>();
  const made = new Map<string, number>();
  for (const item of items) {
    if (entryOf(item).effect !== 'deliver_output') continue;
    const number = (made.get(item.item_type) ?? 0) + 1;
    made.set(item.item_type, number);
    numbers.set(item.sequence_number, number);
  }
  return (item) => {
    const entry = catalogued(item.item_type);
    const label = entry?.label[language] ?? `${unknownEntry.label[language]} ${item.item_type}`;
    const number = numbers.get(item.sequence_number);
    if (number !== undefined) {
      const config = item.config_used ?? '';
      const name = names.get(config)?.[language] ?? config;
      return header.view === 'student' || name === '' ? `${label} ${number}` : `${label} ${number} (${name})`;
    }
    const step = entry?.effect === 'iterate' ? ` ${item.stage_iteration ?? '?'}/${steps}` : '';
    return `${label}${step}${languagesOf(item, language)}`;
  };
}

function languagesOf({ metadata }: ExecutionItem, language: Replay['language']): string {
  const { from_lang: from, to_lang: to } = metadata;
  if (typeof from !== 'string' || typeof to !== 'string' || from === to) return '';
  return `: ${languageName(from)[language]} → ${languageName(to)[language]}`;
}

/** The display names that the start has pinned beside the configs of its outputs. */
function configNames({ metadata: { outputs } }: ExecutionItem): ReadonlyMap<string, Localized> {
  const named = z.array(z.unknown()).catch([]).parse(outputs);
  return new Map(
    named.flatMap((output) => {
      const { success, data } = namedOutput.safeParse(output);
      return success ? [[data.config, data.name]] : [];
    }),
  );
}

const namedOutput = z.object({ config: z.string(), name: localized });

function findingBlocks({ header, language }: Replay): Block[] {
  if (header.findings.length === 0 || isBrief(header.view)) return [];
  const rows = header.findings.map(({ rule, sequence_number, detail }) => ({
    label: visibleText(sequence_number === null ? rule : `${rule} (${sequence_number})`),
    value: visibleText(detail),
  }));
  return [
    { kind: 'heading', level: 1, text: words.findings[language], isListed: true },
    { kind: 'facts', size: 'normal', rows },
  ];
}

/** Levels that have too many headings for a table of contents are not listed in it; the third never is. */
function listed(blocks: readonly Block[]): Block[] {
  const counts = new Map<number, number>();
  for (const block of blocks)
    if (block.kind === 'heading') counts.set(block.level, (counts.get(block.level) ?? 0) + 1);
  return blocks.map((block) =>
    block.kind === 'heading'
      ? { ...block, isListed: block.level < 3 && (counts.get(block.level) ?? 0) <= maxListedHeadings }
      : block,
  );
}

const note = (text: string): Block => ({ kind: 'note', tone: 'plain', text });
const entryOf = (item: ExecutionItem): CatalogueEntry => catalogued(item.item_type) ?? unknownEntry;

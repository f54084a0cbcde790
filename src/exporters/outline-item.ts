import { catalogued, unknownEntry } from '../events/catalogue.ts';
import { decisionOutcome } from '../events/decision.ts';
import type { ExecutionItem } from '../events/item.ts';
import type { Localized } from '../events/localized.ts';
import type { Replay } from './contract.ts';
import { flatFacts, plain } from './flat-facts.ts';
import { mediumOf } from './medium-reference.ts';
import type { Block, Line } from './outline.ts';
import { isWithheldOutput } from './withheld.ts';
import { visibleText } from './visible-text.ts';
import { actionNames, basisNames, verdictNames, words } from './words.ts';

/** How the items of one report are told. */
export type Telling = {
  readonly replay: Replay;
  /** Without models, times and evidence: for pupils and their teachers. */
  readonly isBrief: boolean;
  readonly headingOf: (item: ExecutionItem) => string;
};

type Row = { readonly label: string; readonly value: string };

/** One item under its heading: its words, its medium, what was decided, and then everything else that it holds. */
export async function itemBlocks(item: ExecutionItem, telling: Telling): Promise<Block[]> {
  const { language } = telling.replay;
  const blocks: Block[] = [];
  if (item['erased'] === true) blocks.push({ kind: 'note', tone: 'plain', text: words.erased[language] });
  if (item.content !== null) blocks.push(textBlock(item.content, languageTag(item)));
  blocks.push(...(await mediumBlocks(item, telling)));
  if (telling.isBrief) return blocks;
  const kind = (catalogued(item.item_type) ?? unknownEntry).kind;
  const rows = [...(kind === 'decision' ? decisionRows(item, language) : []), ...memberRows(item, language)];
  blocks.push({ kind: 'facts', size: 'normal', rows: visible(rows) });
  const evidence = flatFacts(item.metadata);
  if (evidence.length > 0) blocks.push({ kind: 'facts', size: 'small', rows: visible(evidence) });
  return blocks;
}

/** Items that are no part of the journey, in one small table: a row says all that the item holds. */
export function passingBlocks(items: readonly ExecutionItem[], { replay }: Telling): Block[] {
  if (items.length === 0) return [];
  const { language } = replay;
  const rows = items.map((item) => ({
    label: (catalogued(item.item_type) ?? unknownEntry).label[language],
    value: [
      ...(item.content === null ? [] : [item.content]),
      ...[...memberRows(item, language), ...flatFacts(item.metadata)].map(
        ({ label, value }) => `${label}: ${value}`,
      ),
    ].join('\n'),
  }));
  return [{ kind: 'facts', size: 'small', rows: visible(rows) }];
}

/** Words of a person or a model, line by line. */
export function textBlock(text: string, language: string | null): Block {
  return { kind: 'text', lines: visibleText(text).split('\n').map(lineOf), language };
}

/** A line goes the way of its first letter that has one. */
function lineOf(line: string): Line {
  const first = /\p{L}/u.exec(line.replaceAll(/⟨U\+[0-9A-F]{4,6}⟩/g, ''))?.[0] ?? '';
  return { words: line, direction: rightToLeft.test(first) ? 'rtl' : 'ltr' };
}

const rightToLeft =
  /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}\p{Script=Adlam}]/u;

function languageTag({ metadata }: ExecutionItem): string | null {
  const tag = metadata['to_lang'] ?? metadata['input_language'] ?? metadata['language'];
  return typeof tag === 'string' && /^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$/.test(tag) ? tag : null;
}

async function mediumBlocks(item: ExecutionItem, telling: Telling): Promise<Block[]> {
  const { replay, headingOf, isBrief } = telling;
  if (item.file_path === null) return [];
  const { language } = replay;
  const note = (text: string): Block => ({ kind: 'note', tone: 'plain', text: visibleText(text) });
  const digest = mediumOf(item);
  const { withheld } = replay;
  if (isWithheldOutput(withheld, item) || (digest !== undefined && withheld.digests.includes(digest)))
    return [{ kind: 'note', tone: 'warning', text: words.withheld[language] }];
  const medium = digest === undefined ? undefined : await replay.medium(digest);
  if (medium === undefined) return [note(`${words.notHeld[language]} ${item.file_path}`)];
  const caption = `${medium.mediaType}, ${medium.sizeBytes} ${words.bytes[language]}, sha256 ${medium.sha256}`;
  if (!medium.mediaType.startsWith('image/')) return [note(`${words.held[language]} ${caption}`)];
  return [
    {
      kind: 'picture',
      sha256: medium.sha256,
      alt: visibleText(isBrief ? headingOf(item) : altOf(item, headingOf(item))),
      caption,
    },
  ];
}

/** What a picture is to who cannot see it: which one, made by whom. The words it was made from stand beside it. */
function altOf({ model_used, backend_used }: ExecutionItem, heading: string): string {
  return [heading, model_used, backend_used].filter((part) => part !== null).join(', ');
}

function decisionRows(item: ExecutionItem, language: keyof Localized): Row[] {
  const { metadata } = item;
  const { effect } = catalogued(item.item_type) ?? unknownEntry;
  const rows: Row[] = [];
  if (effect === 'decide_input' || effect === 'decide_output' || metadata['verdict'] !== undefined) {
    const { verdict, action, basis } = decisionOutcome(metadata);
    const name = (names: Readonly<Record<string, Localized>>, word: string): string =>
      names[word]?.[language] ?? word;
    rows.push(
      { label: words.result[language], value: name(verdictNames, verdict) },
      { label: words.done[language], value: `${name(actionNames, action)}: ${name(basisNames, basis)}` },
    );
  }
  const { method, found_terms: terms } = metadata;
  if (typeof method === 'string') rows.push({ label: words.method[language], value: method });
  if (Array.isArray(terms) && terms.length > 0)
    rows.push({ label: words.terms[language], value: terms.map(plain).join(', ') });
  const policy = metadata['policy'];
  if (typeof policy === 'object' && policy !== null) {
    const { id, version } = policy as { readonly id?: unknown; readonly version?: unknown };
    rows.push({ label: words.policy[language], value: `${plain(id)}, ${plain(version)}` });
  }
  return rows;
}

/** Members that stand in a row of their own, or in the heading, the words and the metadata. */
const placed: ReadonlySet<string> = new Set([
  'sequence_number',
  'item_type',
  'timestamp',
  'model_used',
  'backend_used',
  'config_used',
  'execution_time',
  'file_path',
  'content',
  'metadata',
  'stage',
  'stage_iteration',
  'loop_iteration',
  'media_type',
]);

/** Who made an item, when and how long it took; and whatever else stands beside. */
function memberRows(item: ExecutionItem, language: keyof Localized): Row[] {
  const row = (label: Localized, value: unknown): Row[] =>
    value === null || value === undefined ? [] : [{ label: label[language], value: plain(value) }];
  const unknown = Object.entries(item).filter(([key, value]) => !placed.has(key) && value !== undefined);
  return [
    ...row(words.item, `${item.sequence_number} ${item.item_type}`),
    ...row(words.time, item.timestamp),
    ...row(words.config, item.config_used),
    ...row(words.model, item.model_used),
    ...row(words.backend, item.backend_used),
    ...row(words.took, item.execution_time === null ? null : `${item.execution_time} s`),
    ...row(words.file, item.file_path),
    ...flatFacts(Object.fromEntries(unknown)),
  ];
}

/** Labels are words out of texts too: a key of the metadata may be anything. */
const visible = (rows: readonly Row[]): Row[] =>
  rows.map(({ label, value }) => ({ label: visibleText(label), value: visibleText(value) }));

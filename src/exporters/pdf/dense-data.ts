import type { Block } from '../outline.ts';
import { blockData, plainParts, type Telling, tongueOf } from './block-data.ts';
import { printedParts, type TextPart } from './text-part.ts';

/** Words in one style: `heading`, `text`, `facts` or `note`. */
type Run = TextPart & {
  readonly style: string;
  readonly lang?: string;
  readonly region?: string | null;
  readonly fonts?: string;
};

/** Runs that are laid out together; more of them take time by their square. */
const maxRunsInParagraph = 16;

/**
 * Blocks as the template reads them, in as few paragraphs as they can stand in: an item is one, with its heading, its
 * words and its facts in running text. A report of thousands of items would take gigabytes otherwise.
 */
export function denseData(blocks: readonly Block[], telling: Telling): readonly unknown[] {
  const dense: unknown[] = [];
  let runs: Run[] = [];
  const flush = (): void => {
    if (runs.length > 0) dense.push({ kind: 'dense', isRtl: runs[0]?.isRtl ?? false, runs });
    runs = [];
  };
  for (const block of joinedFacts(blocks)) {
    const own = runsOf(block, telling);
    if (own === undefined) {
      flush();
      dense.push(blockData(block, telling));
      continue;
    }
    if (block.kind === 'heading') flush();
    for (const run of own) {
      // A paragraph has one direction; and texts of many lines are cut into parts for a reason.
      const isApart = run.isRtl !== runs[0]?.isRtl || own.length > 1 || runs.length >= maxRunsInParagraph;
      if (isApart) flush();
      runs.push(run);
    }
  }
  flush();
  return dense;
}

/** Tables one after the other as one. */
function joinedFacts(blocks: readonly Block[]): readonly Block[] {
  const joined: Block[] = [];
  for (const block of blocks) {
    const last = joined.at(-1);
    if (block.kind === 'facts' && last?.kind === 'facts')
      joined[joined.length - 1] = { ...last, rows: [...last.rows, ...block.rows] };
    else joined.push(block);
  }
  return joined;
}

/** Undefined for a block that stands by itself. */
function runsOf(block: Block, telling: Telling): readonly Run[] | undefined {
  const styled = (style: string, parts: readonly TextPart[]): readonly Run[] =>
    parts.map((part) => ({ ...part, style }));
  switch (block.kind) {
    case 'heading':
      return block.isListed ? undefined : styled('heading', plainParts(block.text, telling));
    case 'text': {
      const { primary, region, fonts } = tongueOf(block.language);
      const parts = printedParts(block.lines, primary, telling.printer);
      return parts.map((part) => ({ ...part, style: 'text', lang: primary, region, fonts }));
    }
    case 'facts': {
      const facts = block.rows.map(({ label, value }) => `${label}: ${value}`).join(' · ');
      return styled('facts', plainParts(facts, telling));
    }
    case 'note':
      return styled('note', plainParts(block.text, telling));
    case 'picture':
      return undefined;
  }
}

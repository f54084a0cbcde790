import { z } from 'zod';
import type { CatalogueEntry } from '../events/catalogue-entry.ts';
import { catalogued, unknownEntry } from '../events/catalogue.ts';
import type { Core } from '../events/core.ts';
import { upcastType } from '../events/upcast.ts';

const text = z.string().nullable();

/** What the audit knows of a run while it reads on: everything that a decision or an output rests on. Plain JSON. */
export const runContext = z.strictObject({
  /** Sequence number of its last event; a smaller one is told again. */
  seq: z.int().min(0),
  origin: z.enum(['own', 'foreign', 'import']),
  config: text,
  level: text,
  levelSetBy: text,
  /** HMAC of the person whom it is about. */
  subject: text,
  /** Language of the text that was handed in, and of the last that the run made, as its journey says. */
  inputLanguage: text,
  textLanguage: text,
});
export type RunContext = z.infer<typeof runContext>;

/** Before the first event. */
export const newRunContext = (core: Core): RunContext => ({
  seq: 0,
  origin: originOf(core),
  config: null,
  level: null,
  levelSetBy: null,
  subject: core.subject ?? null,
  inputLanguage: null,
  textLanguage: null,
});

/** The catalogue's entry of a stored core, under today's name of its type. */
export const entryOf = (core: Pick<Core, 'type'>): CatalogueEntry =>
  catalogued(upcastType(core.type)) ?? unknownEntry;

/** Reads one more event of the run. Total. */
export function readOn(context: RunContext, core: Core): RunContext {
  const next = { ...context, seq: core.seq };
  const fact = (name: string): string | null => {
    const value = core.facts?.[name];
    return typeof value === 'string' ? value : null;
  };
  switch (entryOf(core).effect) {
    case 'start':
      return {
        ...next,
        config: fact('config_name'),
        level: fact('safety_level'),
        levelSetBy: fact('level_set_by'),
      };
    case 'input':
      return { ...next, inputLanguage: fact('input_language') ?? context.inputLanguage };
    case 'translate':
    case 'iterate':
    case 'finish_text':
      return { ...next, textLanguage: fact('to_lang') ?? context.textLanguage };
    default:
      return next;
  }
}

function originOf({ actor }: Core): RunContext['origin'] {
  if (actor?.kind === 'importer') return 'import';
  return actor?.kind === 'service' ? 'own' : 'foreign';
}

/** Do two tags name different languages? Regions and scripts make no difference, and what is not known differs from nothing. */
export function isOtherLanguage(a: string | null | undefined, b: string | null | undefined): boolean {
  const [left, right] = [primary(a), primary(b)];
  return left !== undefined && right !== undefined && left !== right;
}

function primary(tag: string | null | undefined): string | undefined {
  const language = tag?.split('-', 1)[0]?.toLowerCase();
  return language === 'und' ? undefined : language;
}

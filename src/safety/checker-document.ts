import { z } from 'zod';
import { decisionRecord, safetyLevels, taxonomyReference } from '../events/decision.ts';
import { localized } from '../events/localized.ts';
import { token } from '../events/token.ts';
import { placeholdersIn } from './prompt-template.ts';

const levels = z
  .array(z.enum(safetyLevels))
  .refine((named) => new Set(named).size === named.length, 'a level stands twice: name each once');

/** A model's category code: one or two capitals and a number, the only thing that is read as a code. */
const code = z.string().regex(/^[A-Z]{1,2}\d{1,2}$/, 'must be a code such as S1 or L12');

const codeCategory = z.strictObject({
  code,
  /** Told to the person whose text was refused. */
  name: localized,
  /** Where such a code makes a text unsafe; elsewhere it is recorded and ignored. A code that is not listed always does. */
  blocks: levels,
});

const parameters = decisionRecord.shape.parameters.unwrap().default({});

const template = (allowed: readonly string[], needed: readonly string[]) =>
  z
    .string()
    .min(1)
    .max(20_000)
    .superRefine((text, context) => {
      const placeholders = placeholdersIn(text);
      const refuse = (message: string): void => context.addIssue({ code: 'custom', message });
      for (const name of new Set(placeholders))
        if (!allowed.includes(name))
          refuse(`{${name}} is no placeholder here: there is ${allowed.join(', ') || 'none'}`);
      for (const name of needed)
        if (placeholders.filter((one) => one === name).length !== 1)
          refuse(`{${name}} must stand in the template once: the answer is about it`);
    });

/** How a language model is asked about a text, and what its answers mean. */
export const checker = z
  .strictObject({
    /**
     * A *guard* is trained to judge a text by its own categories; a *judge* is any model, and the template asks it whether
     * the found terms are meant harmfully. Both answer `safe`, or `unsafe` and a line of codes.
     */
    kind: z.enum(['guard', 'judge']),
    model: token,
    /** `{text}` once, and `{terms}`, `{level}`, `{language}` as needed. */
    template: template(['text', 'terms', 'level', 'language'], ['text']),
    /** Sent to the model as they are: temperature, max_tokens … */
    parameters,
    taxonomy: z.strictObject({
      ...taxonomyReference.shape,
      categories: z.array(codeCategory).min(1).max(32),
    }),
  })
  .superRefine(({ taxonomy }, context) => {
    const codes = taxonomy.categories.map((category) => category.code);
    for (const [index, code] of codes.entries()) {
      if (codes.indexOf(code) !== index)
        context.addIssue({
          code: 'custom',
          path: ['taxonomy', 'categories', index, 'code'],
          message: `code ${code} stands twice: name each once`,
        });
    }
  });
export type Checker = z.infer<typeof checker>;

/** How a model that sees is asked what is in a picture. What it answers is judged as a text is. */
export const vision = z.strictObject({
  model: token,
  /** Without placeholders: every picture is described in the same words, whoever made it. */
  describe_template: template([], []),
  /** Where pictures are looked at. */
  levels: levels.min(1),
  parameters,
});
export type Vision = z.infer<typeof vision>;

import { z } from 'zod';
import { LedgerError } from '../errors.ts';
import {
  checkMethods,
  checkStep,
  decisionRecord,
  oldSafetyLevels,
  safetyLevels,
} from '../events/decision.ts';
import { toUtc } from '../events/time.ts';
import type { AsOf } from '../queries/as-of.ts';
import { type ProfileTerm, profileTermNames } from '../queries/decision-filter.ts';
import type { GroupField } from '../queries/decision-groups.ts';
import type { DecisionFilter } from '../queries/decisions.ts';
import { badTime } from './run-filter.ts';

const { enforcement, verdict, check_point, parse_status, level_set_by, checked } = decisionRecord.shape;

/** Words that a filter may name, where there is a closed set of them. */
const words: { readonly [K in ProfileTerm | 'same_text']?: readonly string[] } = {
  kind: ['check', 'skip', 'block'],
  origin: ['own', 'foreign', 'import'],
  stage: ['0', '1', '2', '3', '4', '5'],
  check_point: check_point.options,
  verdict: verdict.options,
  action: [...enforcement.shape.action.options, 'unknown'],
  basis: [...enforcement.shape.basis.options, 'unknown'],
  step_status: checkStep.shape.status.options,
  parse_status: parse_status.unwrap().options,
  level_set_by: level_set_by.options,
  safety_level: [...safetyLevels, ...Object.keys(oldSafetyLevels)],
  role: checked.shape.role.options,
  same_text: ['true', 'false', 'unknown'],
};

const hints: { readonly [K in ProfileTerm]?: string } = {
  method: `${checkMethods.join(', ')}, or an old word`,
  policy_version: 'id:version, or the version alone beside policy',
  category: 'of the policy as it is, of another taxonomy as id:version/code',
  config: 'the workflow of the run',
  output_config: 'the output config of the decision',
  model: 'what answered',
};

const list = (name: ProfileTerm | 'same_text'): z.ZodOptional<z.ZodString> => {
  const said = words[name]?.join(', ') ?? hints[name as ProfileTerm];
  return z
    .string()
    .optional()
    .describe(said === undefined ? 'comma list' : `comma list: ${said}`);
};

const terms = Object.fromEntries(profileTermNames.map((name) => [name, list(name)])) as Readonly<
  Record<ProfileTerm, z.ZodOptional<z.ZodString>>
>;

export const asOfMember = {
  as_of: z
    .string()
    .optional()
    .describe(
      'a position of the log, as every answer gives one, or an RFC 3339 time; its end where none is given',
    ),
} as const;

const flag = z.enum(['true', 'false']).optional();

/** What decisions may be chosen by; all of it is text. */
export const decisionMembers = {
  from: z.string().optional().describe('RFC 3339, inclusive'),
  to: z.string().optional().describe('RFC 3339, inclusive'),
  run: z.string().optional().describe('an execution id'),
  subject: z.string().optional().describe('HMAC of a person; POST /api/audit/subjects tells it'),
  ...terms,
  same_text: list('same_text'),
  terms_min: z.string().optional().describe('at least so many hits of the fast filter'),
  duration_above: z.string().optional().describe('longer than so many seconds'),
  recorded: flag.describe('false: decisions without a decision record'),
  language_differs: z.literal('true').optional().describe('the text is of another language than was checked'),
  judgement: z.string().optional().describe('judged so by a person: override, false_positive, appeal …'),
} as const;

const givenFilter = z.strictObject(decisionMembers);

/** The filter that the given members mean. Throws INVALID_REQUEST. */
export function decisionFilterOf(given: z.infer<typeof givenFilter>): DecisionFilter {
  const { from, to, run, subject, terms_min, duration_above, recorded, language_differs, judgement } = given;
  const chosen = Object.fromEntries(
    ([...profileTermNames, 'same_text'] as const).flatMap((name) => {
      const value = given[name];
      return value === undefined ? [] : [[name, wordsOf(name, value, given.policy)]];
    }),
  );
  return {
    ...chosen,
    from: from === undefined ? undefined : utcOrRefuse('from', from),
    to: to === undefined ? undefined : utcOrRefuse('to', to),
    run,
    subject,
    terms_min: terms_min === undefined ? undefined : numberOrRefuse('terms_min', terms_min),
    duration_above:
      duration_above === undefined ? undefined : numberOrRefuse('duration_above', duration_above),
    recorded: recorded === undefined ? undefined : recorded === 'true',
    language_differs: language_differs === undefined ? undefined : true,
    judgement,
  };
}

function wordsOf(
  name: ProfileTerm | 'same_text',
  text: string,
  policy: string | undefined,
): readonly string[] {
  const known = words[name];
  return text.split(',').map((word) => {
    if (known !== undefined && !known.includes(word)) {
      throw new LedgerError('INVALID_REQUEST', {
        what: `${name} is "${word}"`,
        cure: `use ${known.join(', ')}`,
      });
    }
    if (name === 'safety_level') return oldSafetyLevels[word] ?? word;
    if (name !== 'policy_version' || word.includes(':')) return word;
    if (policy === undefined || policy.includes(',')) {
      const what = `policy_version is "${word}" of no named policy`;
      throw new LedgerError('INVALID_REQUEST', { what, cure: 'send id:version, or one policy beside it' });
    }
    return `${policy}:${word}`;
  });
}

const groupFields: readonly string[] = [...profileTermNames, 'day', 'week', 'subject'];

/** One or two fields to count by. Throws INVALID_REQUEST. */
export function groupFieldsOf(text: string): readonly GroupField[] {
  const fields = text.split(',');
  const unknown = fields.find((field) => !groupFields.includes(field));
  if (unknown !== undefined || fields.length > 2 || new Set(fields).size < fields.length) {
    throw new LedgerError('INVALID_REQUEST', {
      what: `group_by is "${text}"`,
      cure: `send one or two of ${groupFields.join(', ')}`,
    });
  }
  return fields as readonly GroupField[];
}

/** A time where it is one, else a position: whether it is one of this log, the log says (FOREIGN_POSITION). */
export function asOfOf(text: string | undefined): AsOf {
  if (text === undefined) return {};
  const time = toUtc(text);
  return time === undefined ? { position: text } : { time };
}

export function utcOrRefuse(name: string, value: string): string {
  const time = toUtc(value);
  if (time === undefined) throw badTime(name, value);
  return time;
}

/** Throws INVALID_REQUEST for what is no number from 0. */
export function numberOrRefuse(name: string, value: string): number {
  if (!/^\d{1,9}(\.\d{1,9})?$/.test(value)) {
    const what = `${name} is "${value}"`;
    throw new LedgerError('INVALID_REQUEST', { what, cure: 'send a number from 0, such as 2 or 0.5' });
  }
  return Number(value);
}

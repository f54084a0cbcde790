import { z } from 'zod';
import type { CatalogueEntry } from '../events/catalogue-entry.ts';
import type { Core } from '../events/core.ts';
import { type checkFinding, decisionOutcome, decisionRecord } from '../events/decision.ts';
import type { RunContext } from './run-context.ts';

const text = z.string().nullable();

/**
 * Everything that decisions are chosen and grouped by, except when, how long and about whom. Few of them differ in all
 * of it, so each names one profile, and a question is answered by looking at the profiles.
 */
export const decisionProfile = z.strictObject({
  kind: z.enum(['check', 'skip', 'block']),
  type: z.string(),
  /** Who recorded the run. */
  origin: z.enum(['own', 'foreign', 'import']),
  /** Is there a decision record? Without one what was done is told, and nothing is proven. */
  recorded: z.boolean(),
  stage: z.int().nullable(),
  check_point: text,
  /** Of a skip null: nothing was judged. */
  verdict: text,
  action: z.string(),
  basis: z.string(),
  methods: z.array(z.string()),
  step_statuses: z.array(z.string()),
  policy: decisionRecord.shape.policy.nullable(),
  model_requested: text,
  /** What answered. */
  model: text,
  model_digest: text,
  /** Of findings that count and of those that were ignored; another taxonomy's as `id:version/code`. */
  categories: z.array(z.string()),
  safety_level: text,
  level_set_by: text,
  /** The run's workflow, and the output config of the item. */
  config: text,
  output_config: text,
  parse_status: text,
  language: text,
  role: text,
  /** Is the text that the output is made from the one that was checked? Null where the record does not say. */
  same_text: z.boolean().nullable(),
  /** Hits of the fast filter. */
  terms: z.int().min(0),
  /** Why a check did not run, and who allowed that. */
  reason: text,
  allowed_by: text,
});
export type DecisionProfile = z.infer<typeof decisionProfile>;

/** What an item of kind decision is to the audit; undefined for one that only adds evidence, and for every other kind. */
export function decisionKind(entry: CatalogueEntry): DecisionProfile['kind'] | undefined {
  if (entry.kind !== 'decision') return undefined;
  if (entry.effect === 'skip_check') return 'skip';
  if (Object.hasOwn(entry.facts.shape, 'verdict')) return 'check';
  return Object.hasOwn(entry.facts.shape, 'blocked_reason') ? 'block' : undefined;
}

/** Facts as they are read: any of them may be absent, and one that has another form counts as absent. */
const members: readonly (readonly [string, z.ZodType])[] = Object.entries(decisionRecord.shape);
const readFacts = z.looseObject(
  Object.fromEntries(members.map(([key, schema]) => [key, schema.optional().catch(() => undefined)])),
);
type ReadFacts = Partial<z.infer<typeof decisionRecord>> & Readonly<Record<string, unknown>>;

/** The facts of a decision, each of them of its form. */
export const factsOf = (core: Pick<Core, 'facts'>): ReadFacts => readFacts.parse(core.facts ?? {});

/** The profile of a check, a skip, or a block that rests on no recorded decision. Total. */
export function profileOf(
  kind: DecisionProfile['kind'],
  itemType: string,
  core: Core,
  context: Pick<RunContext, 'origin' | 'config' | 'level' | 'levelSetBy'>,
): DecisionProfile {
  const facts = factsOf(core);
  const steps = facts.steps ?? [];
  const word = (value: unknown): string | null => (typeof value === 'string' ? value : null);
  return {
    kind,
    type: itemType,
    origin: context.origin,
    recorded: kind === 'skip' ? facts.policy !== undefined : isRecorded(facts),
    stage: core.stage ?? null,
    check_point: facts.check_point ?? null,
    ...outcomeOf(kind, core),
    methods:
      steps.length === 0 ? [word(facts['method'])].flatMap((old) => old ?? []) : distinct(steps, 'method'),
    step_statuses: distinct(steps, 'status'),
    policy: facts.policy ?? null,
    model_requested: facts.model_requested ?? null,
    model: facts.model_reported ?? core.model_used ?? null,
    model_digest: facts.model_digest ?? null,
    categories: categoriesOf(kind, facts),
    safety_level: facts.safety_level ?? context.level,
    level_set_by: facts.level_set_by ?? context.levelSetBy,
    config: context.config,
    output_config: core.config_used ?? null,
    parse_status: facts.parse_status ?? null,
    language: facts.checked?.lang ?? null,
    role: facts.checked?.role ?? null,
    same_text: sameText(facts),
    terms: steps.reduce((sum, { method, matched = 0 }) => sum + (method === 'fast_filter' ? matched : 0), 0),
    reason: kind === 'check' ? null : (word(facts['reason']) ?? word(facts['blocked_reason'])),
    allowed_by: word(facts['allowed_by']),
  };
}

const isRecorded = ({ verdict, enforcement, policy, checked, steps }: ReadFacts): boolean =>
  [verdict, enforcement, policy, checked, steps].every((member) => member !== undefined);

function outcomeOf(
  kind: DecisionProfile['kind'],
  { facts }: Core,
): Pick<DecisionProfile, 'verdict' | 'action' | 'basis'> {
  if (kind === 'skip') return { verdict: null, action: 'skip', basis: 'policy_skip' };
  if (kind === 'block') return { verdict: 'indeterminate', action: 'block', basis: 'unknown' };
  return decisionOutcome(facts);
}

function categoriesOf(kind: DecisionProfile['kind'], facts: ReadFacts): string[] {
  const found = [...(facts.findings ?? []), ...(facts.ignored_findings ?? [])].map(categoryOf);
  const old = facts[kind === 'block' ? 'blocked_codes' : 'codes'];
  const told = found.length === 0 && Array.isArray(old) ? old.map(String) : [];
  return [...new Set([...found, ...told])].sort();
}

const categoryOf = ({ category, taxonomy }: z.infer<typeof checkFinding>): string =>
  taxonomy === undefined ? category : `${taxonomy.id}:${taxonomy.version}/${category}`;

/** By the commitments themselves; what the record says of them counts where it is the worse. */
export function sameText({ checked, generated_from, same_as_checked }: ReadFacts): boolean | null {
  if (checked === undefined || generated_from === undefined) return same_as_checked ?? null;
  return generated_from === checked.commitment && same_as_checked !== false;
}

const distinct = <K extends 'method' | 'status'>(
  steps: readonly Readonly<Record<K, string>>[],
  member: K,
): string[] => [...new Set(steps.map((step) => step[member]))].sort();

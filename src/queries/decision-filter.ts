import type { DecisionProfile } from '../audit/decision-profile.ts';

/** Each given member must match; of several values any. */
export type ProfileFilter = {
  readonly [K in ProfileTerm]?: readonly string[] | undefined;
} & {
  readonly same_text?: readonly ('true' | 'false' | 'unknown')[] | undefined;
  readonly recorded?: boolean | undefined;
  readonly terms_min?: number | undefined;
};

const one = (value: string | number | null): readonly string[] => (value === null ? [] : [String(value)]);

/** What a profile says under each name that decisions are chosen and grouped by. */
export const profileTerms = {
  kind: ({ kind }: DecisionProfile) => [kind],
  type: ({ type }: DecisionProfile) => [type],
  origin: ({ origin }: DecisionProfile) => [origin],
  stage: ({ stage }: DecisionProfile) => one(stage),
  check_point: ({ check_point }: DecisionProfile) => one(check_point),
  verdict: ({ verdict }: DecisionProfile) => one(verdict),
  action: ({ action }: DecisionProfile) => [action],
  basis: ({ basis }: DecisionProfile) => [basis],
  method: ({ methods }: DecisionProfile) => methods,
  step_status: ({ step_statuses }: DecisionProfile) => step_statuses,
  policy: ({ policy }: DecisionProfile) => one(policy?.id ?? null),
  policy_version: ({ policy }: DecisionProfile) =>
    one(policy === null ? null : `${policy.id}:${policy.version}`),
  policy_sha256: ({ policy }: DecisionProfile) => one(policy?.sha256 ?? null),
  model: ({ model }: DecisionProfile) => one(model),
  model_requested: ({ model_requested }: DecisionProfile) => one(model_requested),
  model_digest: ({ model_digest }: DecisionProfile) => one(model_digest),
  category: ({ categories }: DecisionProfile) => categories,
  safety_level: ({ safety_level }: DecisionProfile) => one(safety_level),
  level_set_by: ({ level_set_by }: DecisionProfile) => one(level_set_by),
  config: ({ config }: DecisionProfile) => one(config),
  output_config: ({ output_config }: DecisionProfile) => one(output_config),
  parse_status: ({ parse_status }: DecisionProfile) => one(parse_status),
  language: ({ language }: DecisionProfile) => one(language),
  role: ({ role }: DecisionProfile) => one(role),
  reason: ({ reason }: DecisionProfile) => one(reason),
  allowed_by: ({ allowed_by }: DecisionProfile) => one(allowed_by),
} as const satisfies Readonly<Record<string, (profile: DecisionProfile) => readonly string[]>>;
export type ProfileTerm = keyof typeof profileTerms;
export const profileTermNames = Object.keys(profileTerms) as readonly ProfileTerm[];

/** Whether a filter chooses decisions of a profile. */
export function profileChooser(filter: ProfileFilter): (profile: DecisionProfile) => boolean {
  const { same_text, recorded, terms_min } = filter;
  const wanted = profileTermNames.flatMap((name) => {
    const values = filter[name];
    return values === undefined ? [] : [{ said: profileTerms[name], values: new Set<string>(values) }];
  });
  return (profile) =>
    (recorded === undefined || profile.recorded === recorded) &&
    (terms_min === undefined || profile.terms >= terms_min) &&
    (same_text === undefined || same_text.includes(sameTextOf(profile))) &&
    wanted.every(({ said, values }) => said(profile).some((value) => values.has(value)));
}

const sameTextOf = ({ same_text }: DecisionProfile): 'true' | 'false' | 'unknown' =>
  same_text === null ? 'unknown' : same_text ? 'true' : 'false';

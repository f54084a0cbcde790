import type { RawEvent } from './raw-events.ts';

type Facts = Readonly<Record<string, unknown>>;
type Step = {
  readonly method: string;
  readonly status: string;
  readonly matched?: number;
  readonly duration: number;
};
type Finding = {
  readonly category: string;
  readonly taxonomy?: { readonly id: string; readonly version: string };
};

/** A decision by the words of the specification, with all that a filter asks. */
export type ScannedDecision = {
  readonly run: string;
  readonly seq: number;
  readonly id: string;
  readonly time: string;
  readonly duration: number | null;
  readonly subject: string | null;
  readonly terms: readonly string[];
  /** By the name of a filter: what it says under it. */
  readonly said: Readonly<Record<string, readonly string[]>>;
  readonly recorded: boolean;
  readonly commitment: string | null;
  readonly hits: number;
  blocks: number[];
  reviews: ScannedReview[];
  otherLanguage: string | null;
};

export type ScannedReview = {
  readonly run: string;
  readonly seq: number;
  readonly id: string;
  readonly time: string;
  readonly judgement: string;
  readonly actor: string;
  readonly answers: string | null;
  answered: boolean;
};

export type ScannedOutput = {
  readonly run: string;
  readonly seq: number;
  readonly state: string;
  readonly marks: readonly string[];
};
export type ScannedRun = {
  readonly run: string;
  readonly started: string;
  readonly subject: string | null;
  readonly imported: boolean;
  ended: boolean;
  items: number;
};

export type Scan = {
  readonly decisions: readonly ScannedDecision[];
  readonly reviews: readonly ScannedReview[];
  readonly outputs: readonly ScannedOutput[];
  readonly runs: readonly ScannedRun[];
  readonly gaps: readonly string[];
  readonly anomalies: readonly string[];
  readonly exports: ReadonlyMap<string, readonly string[]>;
  readonly policies: ReadonlyMap<string, number>;
  /** Of our clock, in milliseconds: the latest. */
  readonly clockMs: number;
};

const checks = [
  'stage1_safety_check',
  'stage1_safety_check_image',
  'stage3_safety_check',
  'stage4_safety_check',
];
const blocks = ['stage1_blocked', 'stage3_blocked', 'stage4_blocked'];
const ends = ['pipeline_complete', 'pipeline_error', 'stage1_blocked', 'run_cancelled'];
const outputs = [
  'output_image',
  'output_audio',
  'output_music',
  'output_video',
  'output_3d',
  'output_text',
  'output_code',
];

type RunMemory = {
  readonly run: ScannedRun;
  readonly origin: string;
  config: string[];
  level: string[];
  setBy: string[];
  input: string | undefined;
  made: string | undefined;
  readonly mine: ScannedDecision[];
  readonly refusing: Map<number, ScannedDecision>;
  inputCheck: ScannedDecision | undefined;
  readonly loops: Map<number, { state: string; same: boolean | null; delivered: number }>;
  time: string;
  known: string;
};

/** Reads a log from its beginning and answers everything at once. Nothing of the read models is used here. */
export function scan(events: readonly RawEvent[]): Scan {
  const found = {
    decisions: [] as ScannedDecision[],
    reviews: [] as ScannedReview[],
    outputs: [] as ScannedOutput[],
    runs: [] as ScannedRun[],
    gaps: [] as string[],
    anomalies: [] as string[],
    exports: new Map<string, string[]>(),
    policies: new Map<string, number>(),
    clockMs: 0,
  };
  const memory = new Map<string, RunMemory>();
  for (const event of events) {
    const { core, stream } = event;
    if (stream.startsWith('export-')) {
      const id = stream.slice('export-'.length);
      found.exports.set(id, [...(found.exports.get(id) ?? []), core.type]);
    }
    if (core.type === 'policy_published')
      found.policies.set(String(core.facts?.['policy_id']), Number(core.facts?.['version']));
    if (!stream.startsWith('run-')) continue;
    found.clockMs = Math.max(found.clockMs, Date.parse(core.recorded ?? core.time));
    const id = stream.slice('run-'.length);
    let one = memory.get(id);
    if (one === undefined) {
      one = remember(id, event);
      memory.set(id, one);
      found.runs.push(one.run);
    } else noteTimes(found.anomalies, id, one, event);
    if (core.recorded !== undefined && Date.parse(core.time) > Date.parse(core.recorded))
      found.anomalies.push(`${id} ${core.seq} time_after_recorded`);
    one.run.items += 1;
    one.time = core.time;
    one.known = core.recorded ?? core.time;
    readJourney(one, event);
    readItem(found, one, event);
  }
  return found;
}

function remember(id: string, { core }: RawEvent): RunMemory {
  const imported = core.actor.kind === 'importer';
  const run = {
    run: id,
    started: core.time,
    subject: core.subject ?? null,
    imported,
    ended: false,
    items: 0,
  };
  return {
    run,
    origin: imported ? 'import' : core.actor.kind === 'service' ? 'own' : 'foreign',
    config: [],
    level: [],
    setBy: [],
    input: undefined,
    made: undefined,
    mine: [],
    refusing: new Map(),
    inputCheck: undefined,
    loops: new Map(),
    time: core.time,
    known: core.recorded ?? core.time,
  };
}

function noteTimes(anomalies: string[], id: string, one: RunMemory, { core }: RawEvent): void {
  if (Date.parse(core.recorded ?? core.time) < Date.parse(one.known))
    anomalies.push(`${id} ${core.seq} recorded_backwards`);
  if (core.recorded !== undefined && Date.parse(core.time) < Date.parse(one.time))
    anomalies.push(`${id} ${core.seq} time_backwards`);
}

const word = (value: unknown): string[] => (typeof value === 'string' ? [value] : []);

function readJourney(one: RunMemory, { core }: RawEvent): void {
  const { facts = {} } = core;
  if (core.type === 'pipeline_start') {
    one.config = word(facts['config_name']);
    one.level = word(facts['safety_level']);
    one.setBy = word(facts['level_set_by']);
  }
  if (core.type === 'user_input_text') one.input = word(facts['input_language'])[0];
  if (core.type === 'translation_result') one.made = word(facts['to_lang'])[0];
}

const other = (a: string | undefined, b: string | undefined): boolean =>
  a !== undefined && b !== undefined && a !== 'und' && b !== 'und' && a !== b;

function readItem(
  found: { -readonly [K in keyof Scan]: Scan[K] } & {
    decisions: ScannedDecision[];
    reviews: ScannedReview[];
    outputs: ScannedOutput[];
    gaps: string[];
  },
  one: RunMemory,
  event: RawEvent,
): void {
  const { core } = event;
  const { type, facts = {} } = core;
  const id = one.run.run;
  const loop = core.loop_iteration ?? 0;
  if (type === 'recorder_gap') found.gaps.push(`${id} ${core.seq}`);
  if (type === 'decision_overridden' || type === 'decision_annotated') readReview(found.reviews, one, event);
  if (type === 'translation_result') {
    const detected = word(facts['detected_language'])[0];
    const check = one.inputCheck;
    if (check !== undefined && check.otherLanguage === null && other(check.said['language']?.[0], detected))
      check.otherLanguage = detected ?? null;
  }
  if (checks.includes(type) || type === 'safety_check_skipped') {
    const decision = decisionOf(one, event, type === 'safety_check_skipped' ? 'skip' : 'check');
    keep(found.decisions, one, decision, loop);
  }
  if (blocks.includes(type)) {
    const named = one.mine.find((decision) => decision.id === facts['decided_by']) ?? one.refusing.get(loop);
    if (named === undefined) keep(found.decisions, one, decisionOf(one, event, 'block'), loop);
    else named.blocks.push(core.seq);
  }
  readOutput(found.outputs, one, event, loop);
  if (ends.includes(type)) one.run.ended = true;
}

function keep(all: ScannedDecision[], one: RunMemory, decision: ScannedDecision, loop: number): void {
  all.push(decision);
  one.mine.push(decision);
  const { said } = decision;
  if (said['kind']?.[0] === 'check' && said['action']?.[0] === 'block') one.refusing.set(loop, decision);
  const role = said['role']?.[0];
  const actual = role === 'user_input' ? one.input : role === 'image' ? undefined : one.made;
  if (other(said['language']?.[0], actual)) decision.otherLanguage = actual ?? null;
  if (role === 'user_input') one.inputCheck = decision;
}

function readReview(all: ScannedReview[], one: RunMemory, { core }: RawEvent): void {
  const { facts = {} } = core;
  const answers = word(facts['answers'])[0] ?? null;
  const question = all.find((review) => review.id === answers);
  if (question !== undefined) question.answered = true;
  const review: ScannedReview = {
    run: one.run.run,
    seq: core.seq,
    id: core.id,
    time: core.time,
    judgement: String(facts['judgement']),
    actor: core.actor.id,
    answers,
    answered: false,
  };
  all.push(review);
  one.mine.find((decision) => decision.id === facts['decision'])?.reviews.push(review);
}

function decisionOf(one: RunMemory, { core, terms }: RawEvent, kind: string): ScannedDecision {
  const facts: Facts = core.facts ?? {};
  const steps = (facts['steps'] ?? []) as readonly Step[];
  const policy = facts['policy'] as { id: string; version: number; sha256: string } | undefined;
  const judged = facts['checked'] as { commitment: string; lang?: string; role: string } | undefined;
  const { verdict, action, basis } = outcome(kind, facts);
  const findings = [
    ...((facts['findings'] ?? []) as Finding[]),
    ...((facts['ignored_findings'] ?? []) as Finding[]),
  ].map(({ category, taxonomy }) =>
    taxonomy === undefined ? category : `${taxonomy.id}:${taxonomy.version}/${category}`,
  );
  const codes = (kind === 'block' ? facts['blocked_codes'] : facts['codes']) as string[] | undefined;
  const generated = facts['generated_from'];
  const same = generated === undefined ? facts['same_as_checked'] : generated === judged?.commitment;
  const hits = steps
    .filter(({ method }) => method === 'fast_filter')
    .reduce((n, { matched = 0 }) => n + matched, 0);
  return {
    run: one.run.run,
    seq: core.seq,
    id: core.id,
    time: core.time,
    duration:
      core.execution_time ?? (steps.length === 0 ? null : steps.reduce((n, { duration }) => n + duration, 0)),
    subject: one.run.subject,
    terms,
    hits,
    recorded:
      kind === 'skip'
        ? policy !== undefined
        : [facts['verdict'], facts['enforcement'], policy, judged, facts['steps']].every(
            (member) => member !== undefined,
          ),
    commitment: judged?.commitment ?? null,
    said: {
      kind: [kind],
      type: [core.type],
      origin: [one.origin],
      stage: core.stage === undefined ? [] : [String(core.stage)],
      check_point: word(facts['check_point']),
      verdict,
      action: [action],
      basis: [basis],
      method: steps.length === 0 ? word(facts['method']) : [...new Set(steps.map(({ method }) => method))],
      step_status: [...new Set(steps.map(({ status }) => status))],
      policy: policy === undefined ? [] : [policy.id],
      policy_version: policy === undefined ? [] : [`${policy.id}:${policy.version}`],
      policy_sha256: policy === undefined ? [] : [policy.sha256],
      model: word(facts['model_reported'] ?? core.model_used),
      model_requested: word(facts['model_requested']),
      model_digest: word(facts['model_digest']),
      category: [...new Set(findings.length === 0 ? (codes ?? []) : findings)],
      safety_level: facts['safety_level'] === undefined ? one.level : word(facts['safety_level']),
      level_set_by: facts['level_set_by'] === undefined ? one.setBy : word(facts['level_set_by']),
      config: one.config,
      output_config: word(core.config_used),
      parse_status: word(facts['parse_status']),
      language: word(judged?.lang),
      role: word(judged?.role),
      reason: kind === 'check' ? [] : word(facts['reason'] ?? facts['blocked_reason']),
      allowed_by: word(facts['allowed_by']),
      same_text: [same === undefined ? 'unknown' : same === true ? 'true' : 'false'],
    },
    blocks: [],
    reviews: [],
    otherLanguage: null,
  };
}

function outcome(kind: string, facts: Facts): { verdict: string[]; action: string; basis: string } {
  if (kind === 'skip') return { verdict: [], action: 'skip', basis: 'policy_skip' };
  if (kind === 'block') return { verdict: ['indeterminate'], action: 'block', basis: 'unknown' };
  const enforcement = facts['enforcement'] as { action: string; basis: string } | undefined;
  if (enforcement !== undefined) return { verdict: word(facts['verdict']), ...enforcement };
  const safe = facts['safe'];
  if (typeof safe !== 'boolean') return { verdict: ['indeterminate'], action: 'unknown', basis: 'unknown' };
  const basis = safe && facts['method'] === 'llm_check_failed' ? 'fail_open' : 'unknown';
  return { verdict: ['indeterminate'], action: safe ? 'allow' : 'block', basis };
}

function readOutput(all: ScannedOutput[], one: RunMemory, { core }: RawEvent, loop: number): void {
  const { type, facts = {} } = core;
  const known = one.loops.get(loop);
  const put = (state: string, marks: readonly string[]): void =>
    void all.push({ run: one.run.run, seq: core.seq, state, marks });
  if (type === 'stage3_safety_check' || type === 'stage4_safety_check') {
    const passes = outcome('check', facts).action === 'allow';
    if (type === 'stage4_safety_check' && passes) return;
    const judged = facts['checked'] as { commitment: string } | undefined;
    const generated = facts['generated_from'];
    const told = generated === undefined ? null : generated === judged?.commitment;
    const same = told ?? (passes ? null : (known?.same ?? null));
    one.loops.set(loop, { state: passes ? 'allowed' : 'refused', same, delivered: known?.delivered ?? 0 });
  }
  if (type === 'safety_check_skipped' && core.stage === 3 && known === undefined)
    one.loops.set(loop, { state: 'allowed', same: null, delivered: 0 });
  if (type === 'stage3_blocked' || type === 'stage4_blocked') {
    put(
      type === 'stage3_blocked' ? 'blocked' : 'withheld',
      (known?.delivered ?? 0) > 0 ? ['served_before_block'] : [],
    );
    one.loops.set(loop, { state: 'blocked', same: known?.same ?? null, delivered: known?.delivered ?? 0 });
  }
  if (type === 'output_failed') put('failed', []);
  if (type === 'output_skipped') put('skipped', []);
  if (!outputs.includes(type)) return;
  if (known === undefined) {
    put('delivered', ['undecided', 'text_unproven']);
    return;
  }
  const text = known.same === null ? ['text_unproven'] : known.same ? [] : ['other_text'];
  put('delivered', [...(known.state === 'allowed' ? [] : ['against_decision']), ...text]);
  known.delivered += 1;
}

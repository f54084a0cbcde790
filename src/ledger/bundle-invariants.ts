import type { Buffer } from 'node:buffer';
import { catalogued } from '../events/catalogue.ts';
import { type Core, coreSchema } from '../events/core.ts';
import { upcastType } from '../events/upcast.ts';
import type { ProvenEvent } from './bundle.ts';
import type { CheckedEvent, PolicyOf } from './invariant-state.ts';
import { createInvariantCheck, type InvariantResult } from './invariants.ts';
import { type PolicyPublication, publicationIn } from './policy-publication.ts';
import type { RuleId, RuleSeen } from './verdict.ts';

/** An event of a bundle of which nothing was found to be tampered with. */
type HonestEvent = Omit<ProvenEvent, 'payload'> & {
  readonly hash: Buffer;
  /** Undefined where it has none, or where it is not disclosed. */
  readonly opened: Readonly<Record<string, unknown>> | undefined;
};

/**
 * The rules I1–I8 over the run in a bundle (safety-audit.md §2); I9 and I10 are what tampering is, and are found by
 * verify.ts. Only for a bundle without a fault: of what nobody recorded no rule can be said to hold or not. What is not
 * disclosed, or not carried, leaves a rule unproven and never breaks it.
 */
export function invariantsIn(
  events: readonly HonestEvent[],
  documents: readonly HonestEvent[],
): readonly RuleSeen[] {
  const policies = documents.flatMap(publicationOf);
  const check = createInvariantCheck({
    attributesOf: (type) => catalogued(upcastType(type)),
    policyOf: policyAmong(policies),
  });
  let before = -1;
  let unread: number | undefined;
  for (const [at, event] of events.entries()) {
    const core = coreOf(event);
    if (core === undefined) unread ??= at + 1;
    else check.see(checkedEvent(event, core, before));
    before = event.index;
  }
  const results = check.report().flatMap(ruleSeen);
  // A rule over a run of which an item is not understood could be told to hold or to be broken, and be neither.
  if (unread === undefined) return results;
  const detail = `Item ${unread} is written in a way that this verifier does not know.`;
  return results.map(({ id }) => ({ id, status: 'unproven', sequence_numbers: [], detail }));
}

/** The whole of a core, by its schema; undefined where a later version has written what this one does not know. */
function coreOf({ core }: HonestEvent): Core | undefined {
  const parsed = coreSchema.safeParse(JSON.parse(core));
  return parsed.success ? parsed.data : undefined;
}

function checkedEvent({ hash, opened, index }: HonestEvent, core: Core, before: number): CheckedEvent {
  // Erased or left out of this file: nobody can check which, so neither is said.
  const payload = core.payload === undefined ? 'none' : opened === undefined ? 'undisclosed' : 'opens';
  return { core, hash: hash.toString('base64'), payload, follows: index > before };
}

function publicationOf(document: HonestEvent): readonly PolicyPublication[] {
  const core = coreOf(document);
  const publication = core === undefined ? undefined : publicationIn(core, document.opened ?? null);
  return publication === undefined ? [] : [publication];
}

/** Nobody can tell of a policy that is not carried; one that was published too late is a fault of the bundle. */
const policyAmong =
  (policies: readonly PolicyPublication[]): PolicyOf =>
  ({ id, version, sha256 }) => {
    const found = policies.find((one) => one.id === id && one.version === version && one.sha256 === sha256);
    return found && { isPublished: true, lawLists: found.lawLists };
  };

function ruleSeen({ id, status, offending, unproven, detail }: InvariantResult): readonly RuleSeen[] {
  if (!isRule(id)) return [];
  return [{ id, status, sequence_numbers: status === 'fail' ? offending : unproven, detail }];
}

const isRule = (id: InvariantResult['id']): id is RuleId => id !== 'I9' && id !== 'I10';

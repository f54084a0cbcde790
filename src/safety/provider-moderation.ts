import type { DecisionRecord } from '../events/decision.ts';
import { isToken } from '../events/token.ts';
import { type CheckedText, type CheckPorts, judgedText, type TextCheck } from './check-text.ts';
import { codeFindings, qualified } from './decided.ts';
import { placeOf } from './judged.ts';
import { messageLanguage, providerRefusedMessage } from './message.ts';

/** How a provider outside the house refused a text. */
export type ProviderRefusal = {
  /** The backend's name, a token: `openrouter`. */
  readonly backend: string;
  /** What was to work on the text, as it was asked for; null where nobody said. */
  readonly model: string | null;
  /** As the provider names them; may be none. */
  readonly reasons: readonly string[];
  /** The provider's answer as it came. It may quote the text: it goes to the payload. */
  readonly raw: string | undefined;
  readonly executionSeconds: number;
};

/** More reasons than these, or longer ones, are no names of categories any more. */
const maxReasons = 64;
const maxReasonCharacters = 40;

/**
 * The decision that a provider made for us: a third party's refusal is a safety decision and no failure of a backend. The
 * text went out, was judged there by rules that we cannot read, and is refused here, whatever our own policy says. Pure.
 */
export function providerDecision(
  check: TextCheck,
  refusal: ProviderRefusal,
  ports: Pick<CheckPorts, 'policy' | 'commitText'>,
): CheckedText {
  const { backend, model, reasons, raw, executionSeconds } = refusal;
  const { document, reference } = ports.policy;
  const taxonomy = { id: `${backend}-moderation`, version: 'unversioned' };
  const codes = codesOf(reasons);
  const asked = model !== null && isToken(model) ? model : undefined;
  const record: DecisionRecord = {
    ...placeOf(judgedText(check, ports)),
    attempt: 1,
    policy: reference,
    // None of our own lists was read for this decision.
    filter_lists: [],
    taxonomy: { id: document.taxonomy.id, version: document.taxonomy.version },
    ...(asked === undefined ? {} : { model_requested: asked }),
    steps: [
      {
        method: 'provider_moderation',
        status: 'evaluated',
        matched: codes.length,
        categories: codes.map((code) => qualified(taxonomy, code)),
        duration: executionSeconds,
      },
    ],
    findings: codeFindings(codes, taxonomy, 'block'),
    ignored_findings: [],
    verdict: 'unsafe',
    enforcement: { action: 'block', basis: 'evaluated' },
    safety_level: check.level,
    level_set_by: check.levelSetBy,
  };
  return {
    metadata: {
      ...record,
      checked_terms: 0,
      found_terms: [],
      checked_text: check.text,
      provider_reasons: reasons.map((reason) => reason.toWellFormed()),
      ...(raw === undefined ? {} : { raw_verdict: raw.toWellFormed() }),
    },
    record,
    // The refusal does not say what judged: what was asked for stands in the record, never as what answered.
    model: null,
    backend,
    executionSeconds,
    refusal: {
      reason: 'provider_moderation',
      codes: codes.map((code) => qualified(taxonomy, code)),
      terms: [],
      message: providerRefusedMessage[messageLanguage(check.language)],
    },
  };
}

/**
 * The reasons as codes. What does not look like the name of a category could be a piece of the text, which no core may
 * hold: it counts as `other`, and stands in the payload.
 */
function codesOf(reasons: readonly string[]): readonly string[] {
  const codes = reasons.map((reason) => {
    const code = reason.trim().toLowerCase().replaceAll(' ', '_');
    return namePattern.test(code) && code.length <= maxReasonCharacters ? code : 'other';
  });
  return codes.length === 0 ? ['unspecified'] : [...new Set(codes)].slice(0, maxReasons);
}

/** Up to four words: `sexual/minors`, `hate`, `self-harm/intent`. */
const namePattern = /^[a-z0-9]+(?:[_/-][a-z0-9]+){0,3}$/;

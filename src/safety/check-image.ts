import type { DecisionRecord, SafetyLevel } from '../events/decision.ts';
import { sha256Hex } from '../events/digest.ts';
import { isToken } from '../events/token.ts';
import { answerText } from './answer-text.ts';
import type { AskModel, ModelAnswer } from './ask-model.ts';
import type { CheckedText, CheckPorts } from './check-text.ts';
import type { Vision } from './checker-document.ts';
import { decided } from './decided.ts';
import { type Evidence, evidenceOf, failureOf, type Seen } from './evidence.ts';
import { isFinished } from './guard-answer.ts';
import type { Judged } from './judged.ts';
import { visionAt } from './policy.ts';

/** One picture to be judged, and where in the run it stands. */
export type ImageCheck = {
  /** As it is stored, in an encoding that the model reads. */
  readonly bytes: Uint8Array;
  /** Of the bytes, hex. */
  readonly sha256: string;
  readonly level: SafetyLevel;
  readonly levelSetBy: DecisionRecord['level_set_by'];
  readonly checkPoint: 'post_output' | 'upload';
  /** BCP 47: what the person reads whose picture is refused. */
  readonly language: string | undefined;
};

/** What a model saw in a picture: for `medium_described`. */
export type DescribedImage = Omit<ModelAnswer, 'text' | 'tries'> & {
  readonly content: string;
  /** Of the picture. */
  readonly sha256: string;
  readonly promptTemplateSha256: string;
};

export type CheckedImage = {
  /** Null where no model described it. */
  readonly described: DescribedImage | null;
  readonly checked: CheckedText;
};

/**
 * Judges a picture in two steps: a model that sees describes it, then the description is judged as a text is – always by
 * the context check too, because a description of something bad need not hold a listed term. A description that did not
 * come, is empty or broke off never makes a picture safe; then the policy's `on_checker_failure` decides, unless what did
 * come is unsafe. Throws TypeError where the policy looks at no pictures at this level; the signal's reason once aborted.
 */
export async function checkImage(
  check: ImageCheck,
  ports: CheckPorts & { readonly ask: AskModel },
  signal: AbortSignal,
): Promise<CheckedImage> {
  const { policy, clock } = ports;
  const started = clock();
  const vision = visionAt(policy.document, check.level);
  if (vision === undefined)
    throw new TypeError(`policy ${policy.reference.id} looks at no pictures at level ${check.level}`);
  const { described, seen } = await describe(check, vision, ports, signal);
  const judged = judgedImage(check, described?.content ?? '', ports);
  const evidence: Evidence =
    described === null
      ? unseen(seen)
      : { ...(await evidenceOf(judged, { always: true }, ports, signal)), seen };
  return { described, checked: decided(judged, evidence, policy, clock() - started) };
}

async function describe(
  { bytes, sha256 }: ImageCheck,
  { model, describe_template: prompt, parameters }: Vision,
  { ask, clock }: { readonly ask: AskModel; readonly clock: () => number },
  signal: AbortSignal,
): Promise<{ readonly described: DescribedImage | null; readonly seen: Seen }> {
  signal.throwIfAborted();
  const promptTemplateSha256 = sha256Hex(prompt);
  const started = clock();
  try {
    const {
      text,
      tries: _tries,
      ...told
    } = await ask({ prompt, model, parameters, images: [bytes] }, signal);
    if (!isToken(told.model))
      throw new TypeError('the model that answered has a name that cannot be recorded');
    const answer = answerText(text.toWellFormed());
    const isWhole = answer.text !== '' && answer.isWhole && isFinished(told.finishReason);
    const step = stepOf(told.model, isWhole ? 'evaluated' : 'unparseable', told.executionSeconds);
    const described = { ...told, content: answer.text, sha256, promptTemplateSha256 };
    return { described: answer.text === '' ? null : described, seen: { step, isWhole } };
  } catch (error) {
    const { status, executionSeconds, failure } = failureOf(error, clock() - started, signal);
    return {
      described: null,
      seen: { step: stepOf(model, status, executionSeconds), isWhole: false, failure },
    };
  }

  function stepOf(asked: string, status: Seen['step']['status'], duration: number): Seen['step'] {
    return {
      method: 'vlm_check',
      status,
      model: asked,
      prompt_template_sha256: promptTemplateSha256,
      duration,
    };
  }
}

/** Nothing to filter, nothing to ask about. */
const unseen = (seen: Seen): Evidence => ({
  lists: [],
  hits: [],
  ruleOf: () => 'block',
  filterSeconds: undefined,
  context: undefined,
  seen,
});

function judgedImage(
  { sha256, language, checkPoint, level, levelSetBy }: ImageCheck,
  description: string,
  { commitText }: CheckPorts,
): Judged {
  return {
    text: description,
    language,
    checkPoint,
    level,
    levelSetBy,
    // The picture is what was checked, and it has no characters; its description is a witness, in the payload.
    checked: { commitment: commitText(sha256), chars: 0, role: 'image' },
  };
}

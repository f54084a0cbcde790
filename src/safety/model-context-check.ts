import { sha256Hex } from '../events/digest.ts';
import type { AskModel } from './ask-model.ts';
import type { Checker } from './checker-document.ts';
import type { ContextChecker, ContextQuestion } from './context-check.ts';
import { parseGuardAnswer } from './guard-answer.ts';
import { guardVerdict } from './guard-verdict.ts';
import type { ActivePolicy } from './policy.ts';
import { fenced, fillTemplate, withoutControlTokens } from './prompt-template.ts';

/**
 * The context check by a language model, as a policy words it: one question per decision, to the policy's checker, or to
 * its law checker where a law list was hit. The parser reads the answer, the policy says what follows; an answer that
 * cannot be read is indeterminate. Throws TypeError for a policy without a checker, and – at the check – for a question
 * under another policy than the one whose prompt it would ask.
 */
export function modelContextCheck(policy: ActivePolicy, ask: AskModel): ContextChecker {
  const { checker, law_checker: lawChecker } = policy.document;
  if (checker === undefined) throw new TypeError(`policy ${policy.reference.id} has no checker to ask`);
  const checkerOf = ({ hits }: ContextQuestion): Checker =>
    hits.some(({ scope }) => scope === 'law') ? (lawChecker ?? checker) : checker;
  return {
    model: checker.model,
    request: (question) => {
      const { model, template, parameters } = checkerOf(question);
      return { model, promptTemplateSha256: sha256Hex(template), parameters };
    },
    async check(question, signal) {
      signal.throwIfAborted();
      if (question.policy.sha256 !== policy.reference.sha256)
        throw new TypeError('the question stands under another policy than this context check');
      const asked = checkerOf(question);
      const { model, parameters, taxonomy } = asked;
      const answer = await ask({ prompt: promptOf(asked, question), model, parameters }, signal);
      const { text, finishReason, ...told } = answer;
      const report = parseGuardAnswer(text, { finishReason });
      const { verdict, standing, ignored } = guardVerdict(report, asked, question.level);
      return {
        ...told,
        verdict,
        dismissed: [],
        codes: { taxonomy: { id: taxonomy.id, version: taxonomy.version }, standing, ignored },
        native: report.native,
        parseStatus: report.parseStatus,
        // A stray half of a character is no reason to lose an unsafe verdict.
        raw: text.toWellFormed(),
      };
    },
  };
}

/** A guard gets the text as it is, because its own format bounds it; a judge gets it between two lines. */
function promptOf({ kind, template }: Checker, { text, language, level, hits }: ContextQuestion): string {
  const readable = withoutControlTokens(text);
  const terms = [...new Set(hits.map(({ term }) => term))];
  return fillTemplate(
    template,
    new Map([
      ['text', kind === 'judge' ? fenced(readable) : readable],
      ['terms', terms.length === 0 ? 'none' : terms.map((term) => `"${term}"`).join(', ')],
      ['level', level],
      ['language', language ?? 'unknown'],
    ]),
  );
}

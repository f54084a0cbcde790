import type { Localized } from '../events/localized.ts';
import { pipelineLanguage } from './plan.ts';

/** Names of the 15 languages of the telephone game, as a model is told them. */
export const languageNames: ReadonlyMap<string, string> = new Map([
  ['en', 'English'],
  ['de', 'German'],
  ['fr', 'French'],
  ['es', 'Spanish'],
  ['it', 'Italian'],
  ['pt', 'Portuguese'],
  ['nl', 'Dutch'],
  ['pl', 'Polish'],
  ['ru', 'Russian'],
  ['zh', 'Chinese'],
  ['ja', 'Japanese'],
  ['ar', 'Arabic'],
  ['hi', 'Hindi'],
  ['ko', 'Korean'],
  ['tr', 'Turkish'],
]);

const tasks: ReadonlyMap<string, string> = new Map([
  [
    'artistic_transformation',
    'Rewrite the text under PROMPT the way CONTEXT describes. Keep every thing and person it names recognisable. Answer with the new text only.',
  ],
  [
    'description',
    'Rewrite the text under PROMPT as the description of one picture, as CONTEXT asks. Answer with the description only.',
  ],
]);
const anyTask = 'Apply what CONTEXT says to the text under PROMPT. Answer with the resulting text only.';

/** What is to be done, by the workflow's instruction type. */
export const taskOf = (instructionType: string): string => tasks.get(instructionType) ?? anyTask;

export const contextText = (context: string | Localized): string =>
  typeof context === 'string' ? context : context[pipelineLanguage];

/** The one prompt of a transformation: TASK, CONTEXT and PROMPT, the person's text last. */
export const transformationPrompt = (task: string, context: string, text: string): string =>
  `TASK:\n${task}\n\nCONTEXT:\n${context}\n\nPROMPT:\n${text}`;

/** The prompt of a translation; `und` leaves it to the model to see which language it is. */
export function translationPrompt(text: string, from: string, to: string, isCorrecting: boolean): string {
  const source = from === 'und' ? '' : ` from ${languageNames.get(from) ?? from}`;
  const spelling = isCorrecting ? ' Correct the spelling; change nothing else.' : '';
  return `Translate the text below${source} into ${languageNames.get(to) ?? to}.${spelling} Answer with the translation only.\n\n${text}`;
}

import type { WorkflowDocument } from './document.ts';

/** What the pipeline takes where a telephone game does not say how long it is. */
const defaultIterations = 8;

/** How many steps a text goes through between input and outputs; none of a passthrough counts as one. */
export function stepCount({ steps, pipeline, parameters }: WorkflowDocument): number {
  if (steps !== undefined) return steps.length;
  if (pipeline !== 'text_transformation_recursive') return 1;
  const { iterations = defaultIterations, languages = [], final_language: last = 'en' } = parameters;
  if (languages.length === 0 || parameters.use_random_languages === true) return iterations;
  return languages.at(-1) === last ? languages.length : languages.length + 1;
}

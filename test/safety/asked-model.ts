import type { ModelAnswer, ModelQuestion } from '../../src/safety/ask-model.ts';

/** A model that gives fixed answers, the last one again and again, and keeps what it was asked. */
export type AskedModel = {
  readonly ask: (question: ModelQuestion) => Promise<ModelAnswer>;
  readonly questions: readonly ModelQuestion[];
};

export function askedModel(...answers: readonly (string | Error | Partial<ModelAnswer>)[]): AskedModel {
  const questions: ModelQuestion[] = [];
  return {
    questions,
    ask(question) {
      const given = answers[Math.min(questions.length, answers.length - 1)] ?? '';
      questions.push(question);
      if (given instanceof Error) return Promise.reject(given);
      return Promise.resolve({
        text: '',
        model: question.model,
        backend: 'ollama',
        finishReason: 'stop',
        executionSeconds: 0.25,
        ...(typeof given === 'string' ? { text: given } : given),
      });
    },
  };
}

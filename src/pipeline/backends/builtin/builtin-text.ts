import { seededRandom } from '../../random.ts';
import { BackendError } from '../backend-error.ts';
import type { TextBackend, TextRequest } from '../text-backend.ts';
import { translateWord } from './dictionary.ts';
import { detectLanguage } from '../../detect-language.ts';
import { driftWord } from './drift.ts';
import { marked, unmarked } from './marker.ts';
import { styleNamed } from './styles.ts';

/**
 * Texts without a model: word rules and a small dictionary. The same request always gives the same text, every text says
 * in its first words that it is built in, and `model` says so too. `clock` gives monotonic seconds.
 */
export function builtinText(clock: () => number): TextBackend {
  return {
    name: 'builtin',
    async run(request, signal) {
      signal.throwIfAborted();
      const started = clock();
      const { task, seed } = request;
      if (task.kind === 'ask')
        throw new BackendError('BACKEND_REFUSED', { backend: 'builtin', what: 'it has no model to ask' });
      const made = task.kind === 'translate' ? translate(task, seed ?? 0) : transform(task, seed ?? 0);
      return {
        ...made,
        backend: 'builtin',
        seed,
        executionSeconds: clock() - started,
      };
    },
  };
}

type Task<K> = Extract<TextRequest['task'], { kind: K }>;
type Made = { text: string; model: string; method: string; detectedLanguage?: string };

/**
 * German becomes English by the dictionary, and English German where that is wanted; words it does not have stay. For any
 * other language the words stay English and only wander.
 */
function translate(task: Task<'translate'>, seed: number): Made {
  const source = unmarked(task.text);
  const random = seededRandom('translate', seed, task.from, task.to, source);
  const from = task.from === 'und' ? detectLanguage(source) : task.from;
  const text = source.replace(wordPattern, (word) => {
    const english = from === 'de' ? (translateWord(word, 'en') ?? word) : word;
    if (task.to === 'en') return english;
    return task.to === 'de' ? (translateWord(english, 'de') ?? english) : driftWord(english, random);
  });
  return {
    text: marked(task.to, text),
    model: 'builtin/dictionary',
    method: 'dictionary',
    detectedLanguage: from,
  };
}

const wordPattern = /[\p{L}\p{M}]+/gu;

function transform(task: Task<'transform'>, seed: number): Made {
  const source = unmarked(task.text);
  const text = styleNamed(task.style)(source, seededRandom('transform', seed, task.style, source));
  return { text: marked(task.style, text), model: 'builtin/word-rules', method: 'word_rules' };
}

/** One answer of a safety model, and what may become of it: nothing but a plain safe may ever be allowed. */
export type GuardOutput = {
  readonly raw: string;
  readonly finishReason: string | null;
  /** `either`: whether it blocks by its own verdict or by the policy's failure rule is the parser's to say. */
  readonly outcome: 'safe' | 'unsafe' | 'either';
};

/** mulberry32: the same seed gives the same outputs for ever. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const verdicts = ['safe', 'unsafe\nS1', 'unsafe\nS1,S3', 'unsafe\nS14', 'unsafe'] as const;
/** What leaves a whole answer what it is. */
const around: readonly ((answer: string) => string)[] = [
  (answer) => answer,
  (answer) => `\n\n${answer}`,
  (answer) => `${answer}  \n`,
  (answer) => `${answer}<|eot_id|>`,
  (answer) => `<|start_header_id|>assistant<|end_header_id|>\n\n${answer}<|eot_id|>`,
  (answer) => `<think>The text says "unsafe" and "safe" and S1.</think>\n${answer}`,
  (answer) => `<think>\n\n</think>\n\n${answer}`,
  (answer) => `A thought that the prompt began.\n</think>\n\n${answer}`,
  (answer) => `[THINK]Is it unsafe?[/THINK]${answer}`,
  (answer) => `\`${answer}\``,
  (answer) => `**${answer}**`,
  (answer) => `"${answer}"`,
  (answer) => `\`\`\`\n${answer}\n\`\`\``,
  (answer) => `<s>${answer}</s>`,
  (answer) => answer.replace('safe', 'SAFE').replace('un', 'UN'),
];
const noise: readonly string[] = [
  'safe',
  'unsafe',
  'S1',
  'S',
  'O3',
  ',',
  '\n',
  ' ',
  '?',
  '!',
  '.',
  'not',
  'un',
  '<think>',
  '</think>',
  '<|eot_id|>',
  '{',
  '}',
  '"',
  '`',
  ':',
  'is',
  '\u200b',
  'ѕаfe',
  'ｓａｆｅ',
  '\ud83d',
  'ſafe',
  '**',
  '-',
  'yes',
];
const broken = ['length', 'load', 'content_filter', 'error', 'tool_calls', 'cancelled'] as const;

/** At least so many outputs of every form there is, and of none; a fixed seed. */
export function guardOutputs(count: number, seed = 86): readonly GuardOutput[] {
  const random = seeded(seed);
  const pick = <T>(some: readonly T[]): T => {
    const one = some[Math.floor(random() * some.length)];
    if (one === undefined) throw new RangeError('nothing to pick from');
    return one;
  };
  const ended = (): string | null => pick(['stop', 'stop', 'eos', null]);
  const forms: readonly (() => GuardOutput)[] = [
    // whole answers
    () => {
      const verdict = pick(verdicts);
      const outcome = verdict === 'safe' ? 'safe' : 'unsafe';
      return { raw: pick(around)(verdict), finishReason: ended(), outcome };
    },
    // the same, broken off by the backend
    () => ({ raw: pick(around)(pick(verdicts)), finishReason: pick(broken), outcome: 'either' }),
    // what stands before the end of an unsafe answer: "un", "unsafe\nS" …
    () => {
      const whole = pick(around.slice(0, 5))(pick(verdicts.slice(1)));
      return {
        raw: whole.slice(0, Math.floor(random() * whole.length)),
        finishReason: ended(),
        outcome: 'either',
      };
    },
    // thinking that never ends, with a verdict in it
    () => {
      const thought = `<think>At first it seems ${pick(verdicts)}, but then it is ${pick(verdicts)}`;
      const cut = thought.slice(0, 7 + Math.floor(random() * thought.length));
      return {
        raw: `${cut}${pick(['', '\nsafe', '\n\nsafe\n', '</thin'])}`,
        finishReason: ended(),
        outcome: 'either',
      };
    },
    // an answer, then a thought that was not finished
    () => ({ raw: `${pick(verdicts)}\n<think>Wait`, finishReason: ended(), outcome: 'either' }),
    // both verdicts, or a verdict with what contradicts it
    () => {
      const [first, second] = pick([
        ['safe', 'unsafe'],
        ['unsafe\nS1', 'safe'],
        ['safe', 'S1'],
        ['safe', 'S4,S8'],
        ['S1', 'safe'],
        ['safe', 'O3'],
      ] as const);
      return {
        raw: `${first}${pick(['\n', ' ', ', ', '<|eot_id|>'])}${second}`,
        finishReason: ended(),
        outcome: 'either',
      };
    },
    // sentences
    () => {
      const sentence = pick([
        'This is not safe',
        'safe? no',
        'unsafe? no',
        'It is safe',
        'The text is safe to show.',
        'not safe',
        'Safe enough',
        'safely',
        'unsafe or safe',
        'I would say safe',
        'safe, but violent',
        'Safety first',
        'fail-safe',
        'vouchsafe',
        'SAFE!',
      ]);
      return { raw: pick(around.slice(0, 8))(sentence), finishReason: ended(), outcome: 'either' };
    },
    // pieces in any order; with a word that no plain answer holds
    () => {
      const pieces = Array.from({ length: 1 + Math.floor(random() * 8) }, () => pick(noise));
      pieces.splice(Math.floor(random() * pieces.length), 0, pick(['maybe', 'x', '7', 'no']));
      return { raw: `${pieces.join('')} maybe`, finishReason: ended(), outcome: 'either' };
    },
    // bytes of no language
    () => {
      const letters = Array.from({ length: Math.floor(random() * 40) }, () =>
        String.fromCodePoint(33 + Math.floor(random() * 0x2fff)),
      );
      return { raw: `${letters.join('')}#`, finishReason: ended(), outcome: 'either' };
    },
  ];
  return Array.from({ length: count }, (_none, n) => {
    const form = forms[n % forms.length];
    if (form === undefined) throw new RangeError('no form');
    return form();
  });
}

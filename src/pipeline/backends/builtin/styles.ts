import { pick, type Random } from '../../random.ts';

/** Makes another text out of a text, word by word; pure. */
export type Style = (text: string, random: Random) => string;

const wordPattern = /[\p{L}\p{N}][\p{L}\p{M}\p{N}'’-]*/gu;
const wordsOf = (text: string): string[] => text.match(wordPattern) ?? [];
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

function shuffled(words: readonly string[], random: Random): string[] {
  return words
    .map((word) => ({ word, place: random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ word }) => word);
}

const scraps = [
  'a bus ticket',
  'half a button',
  'the letter R',
  'yesterday, upside down',
  'a spoon that says no',
  'seven and a half',
  'wallpaper',
  'boum',
  'a hat without a head',
];

/** Tzara's recipe: cut the words out, shake them, glue them down in the order in which they come, add a scrap. */
const dada: Style = (text, random) => {
  const lines: string[] = [];
  const line: string[] = [];
  for (const word of shuffled(wordsOf(text), random)) {
    line.push(random() < 0.2 ? word.toUpperCase() : word.toLowerCase());
    if (line.length >= 3 + Math.floor(random() * 3)) lines.push(line.splice(0).join(' '));
  }
  if (line.length > 0) lines.push(line.join(' '));
  lines.splice(Math.floor(random() * (lines.length + 1)), 0, pick(random, scraps));
  return lines.join(' / ');
};

/** Every word becomes a basic form in a basic colour, in an order that a plan could have. */
const bauhaus: Style = (text, random) => {
  const forms = ['a red square', 'a blue circle', 'a yellow triangle', 'a grey line', 'a white field'];
  const places = ['at the left edge', 'on the diagonal', 'in the upper third', 'on the axis', 'at the foot'];
  const parts = wordsOf(text).map(
    (word) => `${word.toLowerCase()} is ${pick(random, forms)} ${pick(random, places)}`,
  );
  return `A plan in basic forms: ${parts.join('; ')}. Nothing without a use.`;
};

/** Everything louder, then louder still. */
const overdrive: Style = (text, random) => {
  const more = ['very', 'enormously', 'thunderously', 'cosmically', 'ten times', 'unstoppably'];
  const parts = wordsOf(text).map((word) =>
    word.length > 3 ? `${pick(random, more)} ${random() < 0.4 ? word.toUpperCase() : word}` : word,
  );
  return `${capital(parts.join(' '))}! And again! And bigger!`;
};

/** The way some young people in Germany talk, or the way those who do not think they do. */
const jugendsprache: Style = (text, random) => {
  const tags = ['safe', 'wild', 'no cap', 'isso', 'Digga', 'ohne Witz', 'sheesh'];
  const parts = text.split(/(?<=[.!?])\s+/);
  return parts.map((part) => `${pick(random, tags)}, ${part}`).join(' ');
};

const opposites = new Map(
  (
    'day night, big small, red green, blue orange, black white, hot cold, loud quiet, old new, happy sad, light dark, ' +
    'sun moon, summer winter, up down, inside outside, fast slow, with without, over under, sky sea, mountain valley, ' +
    'city meadow, sleeps wakes, laughs cries, friend stranger, everything nothing, always never, full empty, soft hard'
  )
    .split(', ')
    .flatMap((pair) => {
      const [one = '', other = ''] = pair.split(' ');
      return [[one, other] as const, [other, one] as const];
    }),
);

/** Each word by its opposite where it has one, and the last word first. */
const theopposite: Style = (text) =>
  capital(
    wordsOf(text)
      .toReversed()
      .map((word) => opposites.get(word.toLowerCase()) ?? word.toLowerCase())
      .join(' '),
  );

/** For any other workflow: names the parts, changes nothing else. */
const plain: Style = (text, random) => {
  const words = wordsOf(text).filter((word) => word.length > 3);
  const views = ['seen from above', 'seen from very near', 'seen through a window', 'seen at noon'];
  const parts = words.length === 0 ? '' : ` In it: ${words.join(', ').toLowerCase()}.`;
  return `${text.trim()} – ${pick(random, views)}.${parts}`;
};

const styles: ReadonlyMap<string, Style> = new Map([
  ['dada', dada],
  ['bauhaus', bauhaus],
  ['overdrive', overdrive],
  ['jugendsprache', jugendsprache],
  ['theopposite', theopposite],
]);

/** The style of a workflow; workflows without one of their own get their parts named. */
export const styleNamed = (name: string): Style => styles.get(name) ?? plain;

import { pick, type Random } from '../../random.ts';

/** Rings of English and German words that lie near each other: in the telephone game a word wanders along its ring. */
const rings: readonly (readonly string[])[] = [
  'moon lantern lamp candle star',
  'flower rose thistle feather leaf',
  'tree tower column ladder',
  'forest crowd orchestra library',
  'house boat nest shell suitcase',
  'city beehive clockwork garden',
  'river street ribbon thread',
  'sea blanket desert mirror',
  'sky ceiling umbrella lake',
  'sun orange coin drum',
  'cloud pillow sheep ship',
  'rain applause piano typewriter',
  'cat shadow scarf teapot',
  'dog friend carpet trumpet',
  'bird letter kite whistle',
  'fish spoon comet key',
  'dragon train kettle accordion',
  'robot clock toaster uncle',
  'child seed spark question',
  'red rusty loud warm',
  'blue cold distant quiet',
  'green young sour mossy',
  'yellow bright ripe cheerful',
  'small secret folded early',
  'big slow heavy official',
  'old wise paper forgotten',
  'dances turns stirs hums',
  'sings whistles argues boils',
  'sleeps waits melts listens',
  'flies drifts travels floats',
].map((ring) => ring.split(' '));

const ringOf = new Map(rings.flatMap((ring) => ring.map((word) => [word, ring] as const)));

/** A word one step along its ring, or unchanged where it has none; about every third word wanders. */
export function driftWord(word: string, random: Random): string {
  const ring = ringOf.get(word.toLowerCase());
  if (ring === undefined || random() > 0.35) return word;
  return pick(
    random,
    ring.filter((other) => other !== word.toLowerCase()),
  );
}

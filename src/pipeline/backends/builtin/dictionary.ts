/** German and English words that mean about the same; the first pair of a word wins. Case follows the source word. */
const pairs: readonly (readonly [de: string, en: string])[] = (
  'der the, die the, das the, den the, dem the, des of-the, ein a, eine a, einen a, einem a, einer a, und and, ' +
  'oder or, aber but, nicht not, kein no, keine no, mit with, ohne without, auf on, unter under, über over, in in, ' +
  'im in-the, am at-the, aus from, von of, vom of-the, zu to, zum to-the, zur to-the, bei near, für for, nach after, ' +
  'vor before, durch through, zwischen between, ist is, sind are, war was, hat has, ich I, du you, er he, sie she, ' +
  'es it, wir we, mein my, meine my, dein your, sein his, ihr her, wie like, sehr very, viel much, viele many, ' +
  'blume flower, blumen flowers, wiese meadow, baum tree, bäume trees, wald forest, haus house, häuser houses, ' +
  'stadt city, straße street, fluss river, meer sea, see lake, himmel sky, sonne sun, mond moon, stern star, ' +
  'sterne stars, wolke cloud, wolken clouds, regen rain, schnee snow, wind wind, feuer fire, wasser water, ' +
  'berg mountain, berge mountains, insel island, garten garden, brücke bridge, turm tower, fenster window, tür door, ' +
  'tisch table, stuhl chair, lampe lamp, uhr clock, buch book, bild picture, farbe colour, farben colours, ' +
  'musik music, lied song, tanz dance, traum dream, nacht night, tag day, morgen morning, abend evening, ' +
  'sommer summer, winter winter, frühling spring, herbst autumn, mensch person, menschen people, kind child, ' +
  'kinder children, frau woman, mann man, freund friend, freundin friend, katze cat, hund dog, vogel bird, ' +
  'vögel birds, fisch fish, pferd horse, fuchs fox, bär bear, drache dragon, roboter robot, schiff ship, zug train, ' +
  'fahrrad bicycle, apfel apple, brot bread, kuchen cake, orange orange, rot red, rote red, roter red, rotes red, ' +
  'roten red, blau blue, blaue blue, blauer blue, blaues blue, blauen blue, grün green, grüne green, grüner green, ' +
  'grünes green, grünen green, gelb yellow, gelbe yellow, gelber yellow, gelbes yellow, gelben yellow, weiß white, ' +
  'weiße white, schwarz black, schwarze black, klein small, kleine small, kleiner small, kleines small, groß big, ' +
  'große big, großer big, großes big, alt old, alte old, alter old, altes old, neu new, neue new, still quiet, ' +
  'laut loud, schön beautiful, schöne beautiful, freundlich friendly, freundliche friendly, tanzt dances, ' +
  'tanzen dance, fliegt flies, fliegen fly, schläft sleeps, singt sings, singen sing, lacht laughs, läuft walks, ' +
  'steht stands, sitzt sits, liegt lies, träumt dreams, malt paints, spielt plays, spielen play, blut blood, ' +
  'monster monster, geschichte history, ausstellung exhibition, museum museum'
)
  .split(', ')
  .map((pair) => {
    const [de = '', en = ''] = pair.split(' ');
    return [de, en.replaceAll('-', ' ')] as const;
  });

const toEnglish = new Map(pairs.toReversed());
const toGerman = new Map(pairs.toReversed().map(([de, en]) => [en.toLowerCase(), de] as const));

/** One word into German or English. Undefined where the dictionary does not have it. */
export function translateWord(word: string, to: 'de' | 'en'): string | undefined {
  const found = (to === 'en' ? toEnglish : toGerman).get(word.toLowerCase());
  if (found === undefined) return undefined;
  const isCapital = word.charAt(0) !== word.charAt(0).toLowerCase();
  // German nouns are written large in mid-sentence, English ones are not: only a small word says how to write.
  return isCapital && to === 'de' ? found.charAt(0).toUpperCase() + found.slice(1) : found;
}

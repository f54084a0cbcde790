/** What a character may be put for in a word. */
export type LookAlike = {
  /** The letters that it is written for in leet; empty for none. */
  readonly leet: string;
  /** The Latin letters that it looks like; empty for none. */
  readonly twins: string;
  /** Whether it can hardly be told from the first of them; the others are only taken for it in fun (Я for R). */
  readonly isNear: boolean;
};

/**
 * What a folded character may be put for. The tables are of our own and short on purpose: each entry is a letter that
 * people really swap, and each costs a little in false hits.
 */
export const lookAlikeOf = (char: string): LookAlike => known.get(char) ?? itself;

/** One number for all characters that may stand for one another, directly or by way of a third: a code point of them. */
export const groupOf = (char: string): number => (groups.get(char) ?? char).codePointAt(0) ?? 0;

const itself: LookAlike = { leet: '', twins: '', isNear: false };

/** Each word is a sign and the letters that it is written for. */
const leet = '0oö 1il 2z 3e 4aä 5s 6gb 7t 8b 9g @aä $s !il |il (c <c +t €e ¢c ¥y';

/** Each word is a letter of another script, or a variant of a Latin one, and the Latin letters that it looks like. */
const near = [
  // Cyrillic, as it looks in either case.
  'аa вb гr еe кk мm нh оo рp сc тt уyu хx ѕs іi їi јj ьb ԁd ԛq ԝw һh ӏl үy ғf ѵv ѡw ӓä ӧö',
  // Greek, in either case: a capital Nu is an N, a small one a v.
  'αa βb γy εe ζz ηhn ιi κk μmu νnv οo ρp τt υyu χx ϲc ϳj',
  // Armenian, Cherokee.
  'օo սu ոn հh ցg յj զq ᎠD ᎡR ᎢT ᎪA ᎫJ ᎬE ᎳW ᎷM ᎻH ᏀG ᏃZ ᏚS ᏞL ᏟC ᏢP ᏦK ᏴB',
  // Latin with a stroke or a hook, turned, and small capitals.
  'ıi ɩi ɪi łl ƚl ʟl øoö ɵo đd ɖd ɗd ħh ɦh ŧt ƭt ɑa ɡg ɢg ɠg ǥg ʙb ɓb ƀb ƅb ᴀa ᴄc ᴅd ᴇe ǝe əe ɘe ꜰf ʜh ᴊj ᴋk ƙk ᴍm ɱm ɴn ŋn ɲn',
  'ᴏo ᴘp ƥp ʀr ɾr ɍr ꜱs ʂs ᴛt ʈt ᴜu ʉu ᴠv ʋv ᴡw ʏy ƴy ᴢz ƶz ȼc ƒf ʝj',
  // Letters in boxes, disks and flags, which NFKC leaves as they are.
  ...[0x1f150, 0x1f170, 0x1f1e6].flatMap((first) =>
    Array.from('abcdefghijklmnopqrstuvwxyz', (letter, n) => String.fromCodePoint(first + n) + letter),
  ),
].join(' ');

/** The same for letters that resemble one only in fun: whoever writes them may as well be writing their own script. */
const far = 'бb зe иn йn лn пn фo чy шw щw эe юo яr дa цu жx єe ґr σo πn ωw λa δd θo ξe φo';

const entriesOf = (listed: string): (readonly [char: string, letters: string])[] =>
  listed.split(' ').map((entry) => {
    const [char = '', ...letters] = Array.from(entry.toLowerCase());
    return [char, letters.join('')];
  });

const known: ReadonlyMap<string, LookAlike> = new Map([
  ...entriesOf(leet).map(([char, letters]) => [char, { ...itself, leet: letters }] as const),
  ...entriesOf(near).map(([char, twins]) => [char, { ...itself, twins, isNear: true }] as const),
  ...entriesOf(far).map(([char, twins]) => [char, { ...itself, twins }] as const),
]);

const groups = ((): ReadonlyMap<string, string> => {
  const named = new Map<string, string>();
  for (const [char, { leet, twins }] of known) {
    const joined = Array.from(char + leet + twins);
    const names = new Set(joined.map((one) => named.get(one) ?? one));
    const [name = char] = names;
    for (const [one, old] of named) if (names.has(old)) named.set(one, name);
    for (const one of joined) named.set(one, name);
  }
  return named;
})();

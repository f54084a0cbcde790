/**
 * The language of a text as far as a few hints tell: `de`, `en`, the language of a script that only one of ours uses,
 * or `und` where nothing tells. Counts function words and umlauts; it is a guess, and says nothing about mixed texts.
 */
export function detectLanguage(text: string): string {
  for (const [language, script] of scripts) {
    if (script.test(text)) return language;
  }
  const lower = text.toLowerCase();
  let balance = /[äöüß]/.test(lower) ? 2 : 0;
  for (const word of lower.match(/\p{L}+/gu) ?? []) {
    if (german.has(word)) balance += 1;
    if (english.has(word)) balance -= 1;
  }
  return balance > 0 ? 'de' : balance < 0 ? 'en' : 'und';
}

/** Japanese before Chinese: only Japanese has kana beside the Han characters. */
const scripts: readonly (readonly [string, RegExp])[] = [
  ['ja', /[\p{Script=Hiragana}\p{Script=Katakana}]/u],
  ['ko', /\p{Script=Hangul}/u],
  ['zh', /\p{Script=Han}/u],
  ['ru', /\p{Script=Cyrillic}/u],
  ['ar', /\p{Script=Arabic}/u],
  ['hi', /\p{Script=Devanagari}/u],
];

const words = (listed: string): ReadonlySet<string> => new Set(listed.split(' '));
const german = words(
  'der die das den dem des ein eine einen einem einer eines und oder aber nicht kein keine mit ohne auf unter über ' +
    'aus bei von vom zu zum zur im am ist sind war hat haben wird werden ich du er sie es wir ihr mein dein sein wie ' +
    'für nach vor durch gegen zwischen auch noch nur wenn weil dass blume baum haus wald mond katze hund vogel meer ' +
    'himmel stadt kleine großer rote blaue grüne gelbe alte',
);
const english = words(
  'the a an and or but not no with without on under over of from by to at is are was were has have had be i you he ' +
    'she it we they my your his her its our their this that these those for after before through against between ' +
    'also only if because when where who flower tree house forest moon cat dog bird sea sky city little big red blue ' +
    'green yellow old',
);

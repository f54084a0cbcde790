import { Buffer } from 'node:buffer';
import { crc32, inflateSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { builtinMedia } from '../../src/pipeline/backends/builtin/builtin-media.ts';
import { builtinText } from '../../src/pipeline/backends/builtin/builtin-text.ts';
import { drawPicture } from '../../src/pipeline/backends/builtin/picture.ts';
import type { TextRequest } from '../../src/pipeline/backends/text-backend.ts';
import { detectLanguage } from '../../src/pipeline/detect-language.ts';
import { languageChain } from '../../src/pipeline/language-chain.ts';
import { languageNames, transformationPrompt } from '../../src/pipeline/prompt.ts';
import { seededRandom } from '../../src/pipeline/random.ts';
import { tickingClock } from './harness.ts';

const never = new AbortController().signal;
const text = builtinText(tickingClock());
const media = builtinMedia(tickingClock());
const common = { prompt: '', model: 'gpt-oss:20b', parameters: {} } as const;

const transform = async (style: string, source: string, seed = 1): Promise<string> => {
  const task = { kind: 'transform', text: source, style, instruction: '', context: '' } as const;
  return (await text.run({ ...common, seed, task }, never)).text;
};
const translate = async (source: string, from: string, to: string, seed = 1): Promise<string> => {
  const task = { kind: 'translate', text: source, from, to } as const;
  return (await text.run({ ...common, seed, task }, never)).text;
};

describe('the built-in texts', () => {
  const source = 'the old cat sleeps under the red moon';
  const styles = ['dada', 'bauhaus', 'overdrive', 'jugendsprache', 'theopposite', 'image_comparison'];

  test('every style makes another text, the same again for the same seed, and marks it', async () => {
    const made = await Promise.all(styles.map((style) => transform(style, source)));
    expect(new Set(made).size).toBe(styles.length);
    for (const [index, style] of styles.entries()) {
      expect(made[index]).toMatch(new RegExp(`^\\[builtin ${style}\\] `));
      expect(await transform(style, source)).toBe(made[index]);
    }
    expect(await transform('dada', source, 2)).not.toBe(await transform('dada', source, 1));
  });

  test('the opposite takes each word it knows for its opposite, and begins at the end', async () => {
    expect(await transform('theopposite', source)).toBe(
      '[builtin theopposite] Sun green the over wakes cat new the',
    );
  });

  test('overdrive keeps every word and sets another before each long one', async () => {
    const loud = await transform('overdrive', 'a red house in a meadow');
    expect(loud).toMatch(
      /^\[builtin overdrive\] A red \S+( \S+)? house in a \S+( \S+)? meadow! And again! And bigger!$/i,
    );
  });

  test('youth slang leaves every sentence as it is and puts a word before it', async () => {
    const told = await transform('jugendsprache', 'The cat sleeps. Why? Nobody knows!');
    expect(told).toMatch(
      /^\[builtin jugendsprache\] [\w ]+, The cat sleeps\. [\w ]+, Why\? [\w ]+, Nobody knows!$/,
    );
  });

  test('any translation is marked once, with the language it pretends to', async () => {
    const to = fc.constantFrom(...languageNames.keys());
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme' }), to, to, async (source, first, second) => {
        const once = await translate(source, 'en', first);
        expect(once.startsWith(`[builtin ${first}] `)).toBe(true);
        expect((await translate(once, first, second)).startsWith(`[builtin ${second}] [builtin`)).toBe(false);
      }),
    );
  });

  test('German and English by the dictionary, there and back', async () => {
    expect(await translate('Die rote Blume und der Mond', 'de', 'en')).toBe(
      '[builtin en] the red flower and the moon',
    );
    expect(await translate('the red flower and the moon', 'en', 'de')).toBe(
      '[builtin de] der rot blume und der mond',
    );
    expect(await translate('I see the war', 'fr', 'en')).toBe('[builtin en] I see the war');
  });

  test('the response tells the truth about what answered', async () => {
    const task = { kind: 'translate', text: 'Haus', from: 'de', to: 'en' } as const;
    const response = await text.run({ ...common, seed: 5, task } satisfies TextRequest, never);
    expect(response).toMatchObject({
      model: 'builtin/dictionary',
      backend: 'builtin',
      seed: 5,
      method: 'dictionary',
    });
    expect(response.executionSeconds).toBeGreaterThan(0);
    await expect(
      text.run({ ...common, seed: 5, task }, AbortSignal.abort(new Error('gone'))),
    ).rejects.toThrow('gone');
  });
});

test.each([
  ['de', 'Eine Blume auf der Wiese'],
  ['en', 'A flower on the meadow'],
  ['und', 'Robot 3000'],
  ['und', ''],
  ['ja', '月の下の静かな海'],
  ['ru', 'Луна над морем'],
  ['ko', '바다'],
  ['de', 'schöne Grüße'],
])('the language is taken for %s: %s', (language, source) => {
  expect(detectLanguage(source)).toBe(language);
});

test('a transformation prompt is TASK, CONTEXT and PROMPT, the text last and whole', () => {
  expect(transformationPrompt('t', 'c', 'p\nCONTEXT: x')).toBe(
    'TASK:\nt\n\nCONTEXT:\nc\n\nPROMPT:\np\nCONTEXT: x',
  );
});

describe('the languages of the telephone game', () => {
  test('15 languages, never the one before twice, the last is the final one', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 20 }), (seed, iterations) => {
        const chain = languageChain('en', { iterations }, seededRandom('languages', seed));
        expect(chain).toHaveLength(iterations);
        expect(chain.at(-1)).toBe('en');
        for (const [index, language] of chain.entries()) {
          expect(languageNames.has(language)).toBe(true);
          if (iterations > 1) expect(language).not.toBe(index === 0 ? 'en' : chain[index - 1]);
        }
      }),
    );
    const drawn = new Set(
      Array.from({ length: 50 }, (_, seed) => languageChain('en', {}, seededRandom(seed))).flat(),
    );
    expect(drawn.size).toBe(15);
  });

  test('the same seed draws the same languages; a fixed list is taken as it is', () => {
    const draw = (seed: number): readonly string[] =>
      languageChain('en', {}, seededRandom('languages', seed));
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
    expect(draw(7)).toHaveLength(8);
    expect(languageChain('en', { languages: ['fr', 'pl'] }, seededRandom(1))).toEqual(['fr', 'pl', 'en']);
    expect(languageChain('en', { languages: ['fr', 'de'], final_language: 'de' }, seededRandom(1))).toEqual([
      'fr',
      'de',
    ]);
  });
});

describe('the built-in picture', () => {
  test('is a whole PNG of 512 × 512 whose chunks have their checksums, and holds none of the words', async () => {
    const bytes = Buffer.from(drawPicture('Frau Müller and the moon', 3));
    const chunks = chunksOf(bytes);
    expect(chunks.map(({ type }) => type)).toEqual(['IHDR', 'tEXt', 'tEXt', 'IDAT', 'IEND']);
    const [header] = chunks;
    expect([header?.data.readUInt32BE(0), header?.data.readUInt32BE(4)]).toEqual([512, 512]);
    const pixels = inflateSync(chunks.find(({ type }) => type === 'IDAT')?.data ?? Buffer.alloc(0));
    expect(pixels.byteLength).toBe((512 * 3 + 1) * 512);
    expect(bytes.toString('latin1')).toContain('No model was used');
    expect(bytes.toString('latin1')).not.toMatch(/ller|moon/);
    expect(bytes.byteLength).toBeLessThan(120_000);
  });

  test('differs with the text and with the seed, and is the same again', () => {
    const [one, again, other, seed] = [
      drawPicture('a cat', 1),
      drawPicture('a cat', 1),
      drawPicture('a dog', 1),
      drawPicture('a cat', 2),
    ];
    expect(Buffer.compare(one, again)).toBe(0);
    expect(Buffer.compare(one, other)).not.toBe(0);
    expect(Buffer.compare(one, seed)).not.toBe(0);
  });

  test('any text gives a picture', () => {
    const any = fc.string({ unit: 'binary', maxLength: 60 });
    fc.assert(
      fc.property(any, fc.integer(), (source, seed) => drawPicture(source, seed).byteLength > 1_000),
      { numRuns: 25 },
    );
  });

  test('other media are refused, a text is given back', async () => {
    const request = { ...common, config: 'c', seed: 1, prompt: '[builtin dada] words' };
    await expect(media.generate({ ...request, mediaType: 'music' }, never)).rejects.toMatchObject({
      code: 'OUTPUT_UNSUPPORTED',
      status: 501,
    });
    const { media: made } = await media.generate({ ...request, mediaType: 'text' }, never);
    expect(made).toMatchObject([{ body: { text: 'words' } }]);
  });
});

type Chunk = { readonly type: string; readonly data: Buffer };

/** Reads the chunks of a PNG; fails where a checksum does not fit. */
function chunksOf(png: Buffer): readonly Chunk[] {
  const chunks: Chunk[] = [];
  for (let at = 8; at < png.byteLength; ) {
    const length = png.readUInt32BE(at);
    const body = png.subarray(at + 4, at + 8 + length);
    expect(png.readUInt32BE(at + 8 + length)).toBe(crc32(body));
    chunks.push({ type: body.toString('latin1', 0, 4), data: body.subarray(4) });
    at += 12 + length;
  }
  return chunks;
}

import { Buffer } from 'node:buffer';
import { describe, expect, test } from 'vitest';
import type { Replay } from '../../src/exporters/contract.ts';
import { jsonExporter } from '../../src/exporters/json.ts';
import { outlineOfRun } from '../../src/exporters/outline-of-run.ts';
import { pdfExporter } from '../../src/exporters/pdf.ts';
import { typeset } from '../../src/exporters/pdf/typeset.ts';
import { visibleText } from '../../src/exporters/visible-text.ts';
import { attachmentsOf, has, objectsOf, squeezed, told, wordsOf } from './pdf-file.ts';
import {
  blockedRun,
  digestOf,
  imageComparison,
  longRun,
  pictures,
  runOf,
  telephoneGame,
  text,
} from './pdf-runs.ts';
import { replayOf } from './replay-of.ts';

const never = new AbortController().signal;
const tools = ['qpdf', 'pdftotext', 'pdfdetach', 'pdffonts', 'pdfinfo'].filter((tool) => !has(tool));
const needs = tools.length === 0 ? '' : ` (skipped: ${tools.join(', ')} missing)`;

async function written(exporter: typeof pdfExporter, replay: Replay, signal = never): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of exporter.export(replay, signal)) chunks.push(chunk);
  return Buffer.concat(chunks);
}
const pdfOf = (replay: Replay): Promise<Buffer> => written(pdfExporter, replay);

/** What the report shows of one text that somebody typed in. */
async function shownOf(content: string): Promise<string> {
  const record = runOf('exec_text', [text(content)]);
  return wordsOf(await pdfOf(replayOf(record)), 'exec_text');
}
const shown = (content: string): string => squeezed(visibleText(content));

describe.skipIf(tools.length > 0)(`the PDF of a run${needs}`, () => {
  test('is an archive file that says so: PDF/A-3a, tagged, with a language, a title and the date of the run', async () => {
    const pdf = await pdfOf(replayOf(telephoneGame(), { language: 'de' }));
    expect(told(pdf, 'qpdf', ['--check', '{}'])).toContain('No syntax or stream encoding errors found');
    const objects = objectsOf(pdf);
    expect(objects).toContain('<pdfaid:part>3</pdfaid:part>');
    expect(objects).toContain('<pdfaid:conformance>A</pdfaid:conformance>');
    expect(objects).toMatch(/\/StructTreeRoot \d+ 0 R/);
    expect(objects).toContain('/Lang (de)');
    const info = told(pdf, 'pdfinfo', ['{}']);
    expect(info).toMatch(/Title:\s+stillepost/);
    expect(info).toMatch(/Tagged:\s+yes/);
    expect(info).toMatch(/Page size:.*A4/);
    expect(objects).toContain('<xmp:CreateDate>2026-03-01T10:00:00');
  });

  test('embeds all its fonts, and those of the scripts that it has', async () => {
    const fonts = told(await pdfOf(replayOf(telephoneGame())), 'pdffonts', ['{}'])
      .split('\n')
      .slice(2, -1);
    for (const name of ['NotoSans-Regular', 'NotoSansArabic', 'NotoSansJP', 'NotoSansSC', 'NotoSansKR'])
      expect(
        fonts.some((line) => line.includes(name)),
        name,
      ).toBe(true);
    for (const line of fonts) expect(line).toMatch(/ yes (yes|no ) (yes|no ) +\d+ +0$/);
  });

  test('holds the exact record as a file that is its data', async () => {
    const replay = replayOf(imageComparison(pictures()), { media: pictures() });
    const pdf = await pdfOf(replay);
    const files = attachmentsOf(pdf);
    expect([...files.keys()]).toEqual(['exec_20260301_100000_c0ffee01.json']);
    expect(files.get('exec_20260301_100000_c0ffee01.json')).toEqual(await written(jsonExporter, replay));
    expect(objectsOf(pdf)).toMatch(/\/AFRelationship \/Data/);
  });

  test('has the same bytes each time', async () => {
    const replay = replayOf(imageComparison(pictures()), { media: pictures() });
    expect((await pdfOf(replay)).equals(await pdfOf(replay))).toBe(true);
  });

  test('numbers its pages beside the id of the run', async () => {
    const words = told(await pdfOf(replayOf(telephoneGame())), 'pdftotext', ['-raw', '{}', '-']);
    expect(words).toMatch(/exec_20260301_100000_5e1e0001\s+1 \/ 5/);
    expect(words).toMatch(/exec_20260301_100000_5e1e0001\s+5 \/ 5/);
  });

  test('has a table of contents where the run is long, in the language of the report', async () => {
    const long = wordsOf(
      await pdfOf(replayOf(longRun(40), { language: 'de' })),
      'exec_20260301_100000_10a90001',
    );
    expect(long).toContain('InhaltBeginn');
    const short = wordsOf(await pdfOf(replayOf(blockedRun())), 'exec_20260301_100000_b10c0001');
    expect(short).not.toContain('Contents');
  });

  test('speaks German and English', async () => {
    const id = 'exec_20260301_100000_b10c0001';
    expect(wordsOf(await pdfOf(replayOf(blockedRun(), { language: 'de' })), id)).toContain(
      'DieEingabewurdeabgelehnt',
    );
    expect(wordsOf(await pdfOf(replayOf(blockedRun(), { language: 'en' })), id)).toContain(
      'Theinputwasrefused',
    );
  });

  test('stops when it is aborted', async () => {
    const reason = new Error('enough');
    await expect(written(pdfExporter, replayOf(longRun(40)), AbortSignal.abort(reason))).rejects.toBe(reason);
  });

  test('sets a run of thousands of items in running text, and leaves nothing out', async () => {
    const record = longRun(700);
    const words = wordsOf(await pdfOf(replayOf(record)), record.execution_id);
    for (const item of record.items.filter(({ sequence_number }) => sequence_number % 97 === 0))
      expect(words.includes(`Item:${item.sequence_number}${item.item_type}`)).toBe(true);
    expect(words.includes('640.DieKatzetanztimRegen,undalleFenster')).toBe(true);
  });
});

describe.skipIf(tools.length > 0)(`a text in the PDF${needs}`, () => {
  test.each([
    ['Latin', 'Zwölf Boxkämpfer jagen Viktor quer über den Deich; naïve œuvre, Łódź, İstanbul.'],
    ['Greek', 'Ξεσκεπάζω την ψυχοφθόρα βδελυγμία.'],
    ['Cyrillic', 'Съешь же ещё этих мягких французских булок.'],
    ['Thai', 'ภาษาไทยง่ายนิดเดียว เป็นมนุษย์สุดประเสริฐ'],
    ['Devanagari', 'बारिश में बिल्ली नाचती है और सारी खिड़कियाँ खुल जाती हैं।'],
    ['Chinese', '猫在雨中跳舞，所有的窗户都打开了。'],
    ['Japanese', '猫が雨の中で踊り、すべての窓が開く。「カタカナ」'],
    ['Korean', '고양이가 비 속에서 춤을 춘다.'],
    ['emoji', 'a 😀 b 🇩🇪 c'],
  ])('in %s stands there as it was written', async (_script, content) => {
    expect(await shownOf(content)).toContain(shown(content));
  });

  // Such text is taken out in the order of the eye, with the letters of a ligature together, and an Arabic letter that
  // the font draws in two strokes comes once for each. So letters are counted: none may come less often than written.
  test.each([
    ['Arabic', 'قطة ترقص تحت المطر وكل النوافذ تفتح لا إله'],
    ['Hebrew', 'חתול רוקד בגשם וכל החלונות נפתחים'],
  ])('in %s has all its letters', async (_script, content) => {
    const counted = (words: string): ReadonlyMap<string, number> => {
      const counts = new Map<string, number>();
      for (const letter of words.normalize('NFKC')) counts.set(letter, (counts.get(letter) ?? 0) + 1);
      return counts;
    };
    const found = counted(await shownOf(content));
    for (const [letter, times] of counted(squeezed(content)))
      expect(found.get(letter) ?? 0, letter).toBeGreaterThanOrEqual(times);
  });

  test.each([
    '#import "@preview/x:1.0.0": *',
    '$x^2$ *b* _i_ @ref <label> #label("x")',
    '= heading\n== second\n- list\n+ list\n/ term: x',
    'back\\slash \\u{41} `raw` ```js x```',
    '</w:t> ]]> <!-- & &amp; -->',
    '// comment /* c */ https://example.org/?a=b#c',
    '#panic("x") #{ while true {} } #sys.inputs',
    '"quotes" \'single\' -- --- ... ~ \u00a0x',
    'a\0b \ufffe \u202eevil\u202c \ud800 \u2066x\u2069 \ufeff\u200b\u00ad',
  ])('is data, whatever it looks like: %j', async (content) => {
    const record = runOf('exec_text', [text(content.toWellFormed())]);
    const pdf = await pdfOf(replayOf(record));
    expect(wordsOf(pdf, 'exec_text')).toContain(shown(content.toWellFormed()));
    expect(objectsOf(pdf)).not.toContain('/URI');
  });

  test.each([
    ['a letter outside of all fonts', 'a 𐐀 𝄞 ꙮ b', 'a⟨U+10400⟩⟨U+1D11E⟩'],
    ['a mark of another script on a letter', 'x ك\u0940 y', 'U+0940⟩'],
  ])('names %s', async (_what, content, expected) => {
    expect(await shownOf(content)).toContain(expected);
  });

  test('survives marks without a letter, and a letter under thousands of them', async () => {
    const words = await shownOf(
      `\u0301\u0940\u0e31 begin a${'\u0301\u0316\u0360'.repeat(300)} end ${'\u0303'.repeat(40_000)}`,
    );
    expect(words).toContain('begin');
    expect(words).toContain('end');
  });

  test('keeps its spaces, its tabs, its empty lines and its lines', async () => {
    const record = runOf('exec_text', [text('first\n\n    fourth  x\n\tfifth\n\nlast')]);
    const layout = told(await pdfOf(replayOf(record)), 'pdftotext', ['-layout', '{}', '-']);
    const at = (word: string): number =>
      layout
        .split('\n')
        .find((line) => line.includes(word))
        ?.indexOf(word) ?? -1;
    expect(at('fourth')).toBeGreaterThan(at('first'));
    expect(at('fifth')).toBe(at('fourth'));
    const rows = told(await pdfOf(replayOf(record)), 'pdftotext', ['-bbox', '{}', '-']);
    const y = (word: string): number => Number(new RegExp(`yMin="([\\d.]+)"[^>]*>${word}<`).exec(rows)?.[1]);
    const step = y('fifth') - y('fourth');
    expect(y('fourth') - y('first')).toBeCloseTo(2 * step, 0);
    expect(y('last') - y('fifth')).toBeCloseTo(2 * step, 0);
  });

  test.each([
    [
      'without a space',
      () => Array.from({ length: 100 * 1024 }, (_, index) => index.toString(36).padStart(8, 'x')).join(''),
    ],
    [
      'with spaces',
      () => Array.from({ length: 100 * 1024 }, (_, index) => index.toString(36).padStart(7, 'x')).join(' '),
    ],
  ])('of 800 KiB in one line %s stands there whole, inside the page', async (_how, make) => {
    const content = make();
    const pdf = await pdfOf(replayOf(runOf('exec_text', [text(content)])));
    expect(wordsOf(pdf, 'exec_text').includes(squeezed(content))).toBe(true);
    const right = [
      ...told(pdf, 'pdftotext', ['-bbox', '-l', '3', '{}', '-']).matchAll(/xMax="([\d.]+)"/g),
    ].map(([, x]) => Number(x));
    expect(Math.max(...right)).toBeLessThan(595 - 60);
  });

  test('of a mere hundred thousand ideographs, of Thai without a space, or of one letter again and again stands inside the page', async () => {
    for (const content of [
      '猫在雨中'.repeat(8_000),
      'ก'.repeat(9_000),
      'قطة'.repeat(5_000),
      '…'.repeat(4_000),
      'x\u00a0'.repeat(4_000),
    ]) {
      const pdf = await pdfOf(replayOf(runOf('exec_text', [text(content)])));
      const bounds = [
        ...told(pdf, 'pdftotext', ['-bbox', '-l', '3', '{}', '-']).matchAll(
          /xMin="(-?[\d.]+)".*xMax="([\d.]+)"/g,
        ),
      ];
      for (const [, left, right] of bounds) {
        expect(Number(left)).toBeGreaterThan(60);
        expect(Number(right)).toBeLessThan(595 - 60);
      }
    }
  });
});

test('what the typesetter refuses for good is EXPORT_IMPOSSIBLE, and says what to do', async () => {
  const record = {
    name: 'same.json',
    bytes: Buffer.from('{}'),
    mime: 'application/json',
    relationship: 'data',
    description: '',
  } as const;
  const outline = await outlineOfRun(replayOf(blockedRun()), never);
  const report = { outline, executionId: 'exec_text', pictures: new Map(), attachments: [record, record] };
  expect(() => typeset(report, never)).toThrow(
    expect.objectContaining({
      code: 'EXPORT_IMPOSSIBLE',
      message: expect.stringMatching(/typesetter refused it.*json/),
    }),
  );
});

test('a second file inside says that it is the source', async () => {
  const file = (name: string, relationship: 'data' | 'source') =>
    ({ name, bytes: Buffer.from(name), mime: 'application/json', relationship, description: name }) as const;
  const outline = await outlineOfRun(replayOf(blockedRun()), never);
  const attachments = [file('run.json', 'data'), file('evidence.json', 'source')];
  const pdf = Buffer.from(
    typeset({ outline, executionId: 'exec_text', pictures: new Map(), attachments }, never),
  );
  expect(pdf.toString('latin1')).toMatch(/\/AFRelationship\s*\/Source/);
});

describe.skipIf(tools.length > 0)(`a picture in the PDF${needs}`, () => {
  const id = 'exec_20260301_100000_c0ffee01';

  test('is there with words for who cannot see it', async () => {
    const pdf = await pdfOf(replayOf(imageComparison(pictures()), { media: pictures() }));
    const objects = objectsOf(pdf);
    expect([...objects.matchAll(/\/Subtype \/Image\b/g)].length).toBe(2);
    expect(objects).toMatch(/\/Alt \(Picture 1 \\\(sd35_large\\\)|\/Alt \(Image 1 \\\(sd35_large\\\)/);
  });

  const [picture = new Uint8Array()] = pictures();
  const bomb = Buffer.from(picture);
  bomb.writeUInt32BE(60_000, 16);
  bomb.writeUInt32BE(60_000, 20);
  test.each([
    ['is cut off', Buffer.from(picture.subarray(0, 2_000)), 'it cannot be read'],
    ['is damaged within', Buffer.from(picture).fill(0x5a, 300, 900), 'it cannot be read'],
    ['claims to be enormous', bomb, 'it is too large'],
    [
      'is only the beginning of a JPEG',
      Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 4, 0, 0]),
      'it cannot be read',
    ],
    ['is a GIF without a frame', Buffer.from('GIF89a\x10\0\x10\0\0\0\0;', 'latin1'), 'it cannot be read'],
    [
      'is of a type that no PDF has',
      Buffer.from('\0\0\0\x1cftypavif', 'latin1'),
      'it is of a type that cannot stand in a PDF',
    ],
  ])('that %s is told of, and the others are shown', async (_what, broken, reason) => {
    const media = [picture, broken];
    const pdf = await pdfOf(replayOf(imageComparison(media), { media }));
    const words = wordsOf(pdf, id);
    expect(words).toContain(squeezed(`This picture could not be shown: ${reason}.`));
    expect(words).toContain(digestOf(broken));
    expect([...objectsOf(pdf).matchAll(/\/Subtype \/Image\b/g)].length).toBe(1);
  });

  test('that cannot be shown is told of in German too', async () => {
    const media = [Buffer.from(picture.subarray(0, 2_000))];
    const pdf = await pdfOf(replayOf(imageComparison(media), { media, language: 'de' }));
    expect(wordsOf(pdf, id)).toContain(
      squeezed('Dieses Bild konnte nicht gezeigt werden: es kann nicht gelesen werden.'),
    );
  });
});

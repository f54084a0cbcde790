import { expect, test } from 'vitest';
import { LedgerError } from '../../src/errors.ts';
import type { ReplayedMedium } from '../../src/exporters/contract.ts';
import { pictureOf } from '../../src/exporters/docx/picture.ts';
import { gifHead, jpegHead, pngOf } from './picture-bytes.ts';
import { faultsOf, readWordFile } from './word-file.ts';
import { digestOf, mediaOf, mediumOf, note, outlineWith, picture, wordBytes } from './word-report.ts';

const wide = pngOf(900, 300);
const emuPerPixel = 9525;
/** 160 mm, what the margins of A4 leave. */
const lineWidth = 9072 * 635;

test('a picture says what it is to who cannot see it, and keeps its shape', async () => {
  const small = pngOf(40, 30);
  const alt = 'Image 1 "<&>", sd35_large';
  const bytes = await wordBytes(
    outlineWith([picture(wide, alt), picture(small, 'small')]),
    mediaOf(mediumOf(wide), mediumOf(small)),
  );
  const file = readWordFile(bytes);
  expect(file.find('//wp:docPr/@descr')).toEqual([alt, 'small']);
  const [cx = 0, width = 0] = file.find('//wp:extent/@cx').map(Number);
  const [cy = 0, height = 0] = file.find('//wp:extent/@cy').map(Number);
  expect(cx).toBe(lineWidth);
  expect(cx / cy).toBeCloseTo(3, 4);
  expect([width, height]).toEqual([40 * emuPerPixel, 30 * emuPerPixel]);
  expect(file.find('//a:ext/@cx').map(Number)).toEqual([cx, width]);
  expect(file.parts.get('word/media/picture1.png')).toEqual(new Uint8Array(wide));
});

test('a tall picture leaves room for what belongs to it', async () => {
  const tall = pngOf(10, 4_000);
  const file = readWordFile(await wordBytes(outlineWith([picture(tall)]), mediaOf(mediumOf(tall))));
  const [cx = 0] = file.find('//wp:extent/@cx').map(Number);
  const [cy = 0] = file.find('//wp:extent/@cy').map(Number);
  expect(cy).toBeLessThan(160 * 36_000);
  expect(cy / cx).toBeCloseTo(400, 0);
});

test.each([
  ['JPEG', jpegHead(600, 200), 'jpeg'],
  ['GIF', gifHead(600, 200), 'gif'],
  ['PNG', pngOf(600, 200), 'png'],
])('a %s is shown by the size in its head', async (_, head, extension) => {
  const bytes = await wordBytes(outlineWith([picture(head)]), mediaOf(mediumOf(head)));
  const file = readWordFile(bytes);
  expect(Number(file.find('//wp:extent/@cx')[0])).toBe(600 * emuPerPixel);
  expect(Number(file.find('//wp:extent/@cy')[0])).toBe(200 * emuPerPixel);
  expect(file.parts.has(`word/media/picture1.${extension}`)).toBe(true);
  expect(await faultsOf(bytes)).toEqual([]);
});

test('a picture that is shown twice is stored once, and each drawing has an id of its own', async () => {
  const file = readWordFile(
    await wordBytes(outlineWith([picture(wide), note('between'), picture(wide)]), mediaOf(mediumOf(wide))),
  );
  expect([...file.parts.keys()].filter((name) => name.includes('media/'))).toHaveLength(1);
  expect(file.find('//a:blip/@r:embed')).toEqual(['picture1', 'picture1']);
  expect(file.find('//wp:docPr/@id')).toEqual(['1', '2']);
});

const webp = Buffer.from('RIFF\x10\0\0\0WEBPVP8 \0\0\0\0', 'latin1');
const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>');
const read = (chunk: Uint8Array, error?: Error) =>
  async function* () {
    yield chunk;
    if (error !== undefined) throw error;
  };
const damaged = new LedgerError('MEDIA_CORRUPT', { sha256: digestOf(wide) });

const withheld: readonly (readonly [string, RegExp, ReplayedMedium | undefined])[] = [
  ['WebP', /type everywhere\. \(image\/webp/, { ...mediumOf(webp), sha256: digestOf(wide) }],
  ['SVG', /type everywhere/, { ...mediumOf(svg), sha256: digestOf(wide), mediaType: 'image/svg+xml' }],
  [
    'a PNG that ends in its head',
    /size cannot be read/,
    { ...mediumOf(wide), read: read(wide.subarray(0, 20)) },
  ],
  ['a PNG of no width', /size cannot be read/, { ...mediumOf(wide), read: read(pngOf(0, 5)) }],
  [
    'a JPEG without a frame',
    /size cannot be read/,
    {
      ...mediumOf(wide),
      mediaType: 'image/jpeg',
      read: read(Buffer.of(0xff, 0xd8, 0xff, 0xda, 0, 9, 0, 0, 0, 0, 0, 0)),
    },
  ],
  ['damaged bytes', /bytes are damaged/, { ...mediumOf(wide), read: read(wide, damaged) }],
  [
    'a picture of 65 MiB',
    /too large for a Word document/,
    { ...mediumOf(wide), sizeBytes: 65 * 1024 * 1024 },
  ],
  ['a picture that is gone', /not stored here/, undefined],
];

test.each(withheld)('%s is told, and does not fail the report', async (_, reason, medium) => {
  const outline = outlineWith([picture(wide, 'Image 1', 'Its caption'), note('after')]);
  const bytes = await wordBytes(outline, mediaOf(...(medium === undefined ? [] : [medium])));
  expect(await faultsOf(bytes)).toEqual([]);
  const file = readWordFile(bytes);
  const texts = file.paragraphs().map(({ text }) => text);
  expect(texts[1]).toMatch(/^Image 1\. This picture is not shown here: /);
  expect(texts[1]).toMatch(reason);
  expect(texts[1]).toContain(digestOf(wide));
  expect(texts.slice(2)).toEqual(['Its caption', 'after']);
  expect([...file.parts.keys()].filter((name) => name.includes('media/'))).toEqual([]);
});

test('why a picture is missing is said in the language of the report', async () => {
  const file = readWordFile(await wordBytes(outlineWith([picture(wide)], { language: 'de' })));
  expect(file.paragraphs()[1]?.text).toContain(
    'Dieses Bild wird hier nicht gezeigt: es ist hier nicht gespeichert.',
  );
});

test('an error that is no fault of the picture is not hidden', async () => {
  const broken = { ...mediumOf(wide), read: read(wide, new Error('the disk went away')) };
  await expect(wordBytes(outlineWith([picture(wide)]), mediaOf(broken))).rejects.toThrow(
    'the disk went away',
  );
});

test('beyond what Word opens in all, a picture is told', async () => {
  const never = new AbortController().signal;
  const medium = mediaOf(mediumOf(wide));
  const of = (roomBytes: number) => pictureOf(digestOf(wide), { medium, roomBytes }, never);
  expect((await of(wide.byteLength)).kind).toBe('shown');
  expect((await of(wide.byteLength - 1)).kind).toBe('withheld');
});

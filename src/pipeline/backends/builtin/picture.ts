import { pick, type Random, seededRandom } from '../../random.ts';
import {
  bar,
  below,
  block,
  type Canvas,
  type Colour,
  createCanvas,
  disc,
  type Form,
  halfDisc,
  mix,
  polygon,
  ring,
} from './canvas.ts';
import { unmarked } from './marker.ts';
import { type Motif, motifs } from './motifs.ts';
import { encodePng } from './png.ts';

/** Pixels on each side. */
export const pictureSize = 512;

/**
 * A picture drawn by rule from a seed and the words of a text: known words become motifs, other words forms. The same
 * seed and text give the same bytes; it says in a corner and in its text chunk what it is, and holds none of the words.
 */
export function drawPicture(text: string, seed: number): Uint8Array {
  const words = wordsOf(text);
  const random = seededRandom('picture', seed, text);
  const palette = paletteFor(words, random);
  const canvas = createCanvas(pictureSize, palette.sky, palette.low);
  const found = [...new Set(words.flatMap((word) => motifs.get(word) ?? []))].slice(0, 6);
  const others = [...new Set(words.filter((word) => word.length > 3 && !motifs.has(word)))].slice(0, 14);
  if (found.length > 0) drawScene(canvas, found, others, palette, random);
  else pick(random, [drawForms, drawTiles, drawStripes])(canvas, others, palette, random);
  drawLabel(canvas, palette.ink, palette.light);
  return encodePng(pictureSize, pictureSize, canvas.rgb, {
    Software: 'runledger builtin/forms',
    Comment: 'Drawn by rule from a seed and words. No model was used.',
  });
}

const wordsOf = (text: string): readonly string[] =>
  (
    unmarked(text)
      .toLowerCase()
      .match(/\p{L}+/gu) ?? []
  ).slice(0, 400);

type Palette = {
  readonly sky: Colour;
  readonly low: Colour;
  readonly ink: Colour;
  readonly light: Colour;
  readonly accents: readonly Colour[];
};

const hex = (code: string): Colour => [
  Number.parseInt(code.slice(0, 2), 16),
  Number.parseInt(code.slice(2, 4), 16),
  Number.parseInt(code.slice(4, 6), 16),
];
const palette = (listed: string): Palette => {
  const [sky = '', low = '', ink = '', light = '', ...accents] = listed.split(' ');
  return {
    sky: hex(sky),
    low: hex(low),
    ink: hex(ink),
    light: hex(light),
    accents: accents.map(hex),
  };
};

const palettes = [
  'f4ead5 e9d8b4 1f2a44 fffaf0 d1495b edae49 00798c',
  '1b2a49 465c8b 0d1526 fdf6e3 f2a65a e76f51 8ecae6',
  'dfeef0 b8d8d8 2d3a3a ffffff ee6c4d 3d5a80 f2c14e',
  'fde2d4 f7b7a3 3b1f2b fff8f0 a62639 db7f67 2a6f77',
  '22223b 4a4e69 14142b f2e9e4 c9ada7 f4a261 9ad1d4',
  'f1f5e8 cfe1b9 23331f fffef5 e76f51 6a994e f2b134',
  'ece7f4 c8b6e2 2e1f47 ffffff ff8c61 5f4bb6 3bb2a5',
  'fff3c4 ffd97d 33272a fffdf5 ef476f 118ab2 06a77d',
].map(palette);
const nights = palettes.filter(({ sky }) => sky[0] < 60);
const days = palettes.filter(({ sky }) => sky[0] >= 60);

const colourWords: ReadonlyMap<string, Colour> = new Map(
  (
    'red d62839 rot d62839 rote d62839 blood a3142a blut a3142a blue 2274a5 blau 2274a5 blaue 2274a5 green 4c9f50 ' +
    'grün 4c9f50 grüne 4c9f50 yellow f4c430 gelb f4c430 gelbe f4c430 orange f3862f purple 7b4fa3 lila 7b4fa3 ' +
    'pink ef7ba8 rosa ef7ba8 white fbfaf5 weiß fbfaf5 black 1c1c22 schwarz 1c1c22 gold d9a520 golden d9a520'
  )
    .match(/\S+ \S+/g)
    ?.map((pair) => [pair.split(' ')[0] ?? '', hex(pair.split(' ')[1] ?? '')] as const),
);

/** Words choose night or day and bring their own colours to the front; chance does the rest. */
function paletteFor(words: readonly string[], random: Random): Palette {
  const isNight = words.some((word) => ['night', 'nacht', 'moon', 'mond', 'stars', 'sterne'].includes(word));
  const isDay = words.some((word) => ['sun', 'sonne', 'day', 'tag', 'morning', 'morgen'].includes(word));
  const chosen = pick(random, isNight ? nights : isDay ? days : palettes);
  const wanted = words.flatMap((word) => [colourWords.get(word) ?? []].filter((one) => one.length > 0));
  return { ...chosen, accents: [...(wanted as Colour[]), ...chosen.accents] };
}

/** Motifs in a landscape; the words without one hang in the sky as small forms. */
function drawScene(
  canvas: Canvas,
  found: readonly Motif[],
  others: readonly string[],
  colours: Palette,
  random: Random,
): void {
  const { size } = canvas;
  const horizon = size * (0.62 + random() * 0.1);
  const accent = (index: number): Colour => colours.accents[index % colours.accents.length] ?? colours.ink;
  for (const [index, word] of others.entries()) {
    const [x, y] = [size * (0.08 + random() * 0.84), size * (0.06 + random() * 0.4)];
    canvas.paint(formOf(word, x, y, 10 + random() * 26, random), accent(index), 0.55);
  }
  const drawAll = (place: Motif['place'], y: () => number, unit: number): void => {
    const here = found.filter((motif) => motif.place === place);
    for (const [index, motif] of here.entries()) {
      const x = (size * (index + 0.5 + (random() - 0.5) * 0.3)) / here.length;
      const nth = found.indexOf(motif);
      const pen = { canvas, x, y: y(), unit, ink: colours.ink, accent: accent(nth), light: colours.light };
      motif.draw({ ...pen, random });
    }
  };
  drawAll('sky', () => size * (0.18 + random() * 0.14), 46);
  const far = mix(accent(1), colours.low, 0.45);
  canvas.paint(below(size, horizon - 60, hill(size, horizon - 18, random)), far);
  drawAll('land', () => horizon, 52);
  if (!found.some((motif) => motif.place === 'land')) {
    canvas.paint(
      below(size, horizon - 40, hill(size, horizon + 12, random)),
      mix(accent(2), colours.ink, 0.25),
    );
  }
  drawAll('ground', () => horizon + 62 + random() * 30, 50);
}

const hill = (size: number, base: number, random: Random): ((x: number) => number) => {
  const [a, b, shift] = [14 + random() * 20, 4 + random() * 8, random() * 7];
  return (x) => base + Math.sin((x / size) * 5 + shift) * a + Math.sin((x / size) * 13 + shift) * b;
};

/** Without a motif: a few large forms in balance, and each word as a smaller one along a turning line. */
function drawForms(canvas: Canvas, words: readonly string[], colours: Palette, random: Random): void {
  const { size } = canvas;
  const { accents, ink, light } = colours;
  const tilt = (random() - 0.5) * 1.2;
  const middle = [size * (0.38 + random() * 0.24), size * (0.38 + random() * 0.24)] as const;
  canvas.paint(disc(middle[0], middle[1], size * (0.22 + random() * 0.1)), pick(random, accents), 0.92);
  canvas.paint(
    block(size - middle[0], size - middle[1], size * 0.5, size * (0.08 + random() * 0.16), tilt),
    ink,
    0.9,
  );
  canvas.paint(halfDisc(size - middle[0], middle[1], size * 0.17, tilt + 1), pick(random, accents), 0.85);
  canvas.paint(ring(middle[0], size - middle[1], size * 0.13, 10), light);
  const turn = 0.5 + random() * 0.6;
  for (const [index, word] of words.entries()) {
    const angle = tilt + index * turn;
    const reach = size * (0.1 + (0.32 * (index + 1)) / (words.length + 1));
    const [x, y] = [size / 2 + Math.cos(angle) * reach, size / 2 + Math.sin(angle) * reach];
    const colour = index % 4 === 3 ? ink : pick(random, accents);
    canvas.paint(formOf(word, x, y, 14 + word.length * 3, random), colour, 0.88);
  }
  for (let line = 0; line < 4; line += 1) {
    const from = [random() * size, random() * size] as const;
    const length = size * (0.2 + random() * 0.5);
    const end = [from[0] + Math.cos(tilt) * length, from[1] + Math.sin(tilt) * length] as const;
    canvas.paint(
      bar(from[0], from[1], end[0], end[1], 1.5 + random() * 3),
      line % 2 === 0 ? ink : light,
      0.8,
    );
  }
}

/** Tiles of colour with one form each; the words take turns. */
function drawTiles(canvas: Canvas, words: readonly string[], colours: Palette, random: Random): void {
  const { accents, ink, light } = colours;
  const count = pick(random, [4, 5, 6]);
  const tile = (canvas.size - 64) / count;
  for (let place = 0; place < count * count; place += 1) {
    const x = 32 + ((place % count) + 0.5) * tile;
    const y = 32 + (Math.floor(place / count) + 0.5) * tile;
    const [ground, form] = [pick(random, [...accents, light, ink]), pick(random, [...accents, light, ink])];
    canvas.paint(block(x, y, tile - 5, tile - 5), ground);
    const word = words[place % Math.max(1, words.length)] ?? String(place);
    if (form !== ground) canvas.paint(formOf(word, x, y, tile * 0.36, random), form);
  }
}

/** Arcs around one corner like rings of a tree, one for each word, with forms scattered over them. */
function drawStripes(canvas: Canvas, words: readonly string[], colours: Palette, random: Random): void {
  const { accents, ink, light } = colours;
  const { size } = canvas;
  const [cx, cy] = [pick(random, [0.1, 0.5, 0.9]) * size, pick(random, [0.95, 0.6]) * size];
  const rings = 6 + Math.min(6, words.length);
  for (let index = rings; index > 0; index -= 1) {
    const colour = index % 5 === 4 ? light : (accents[index % accents.length] ?? ink);
    canvas.paint(disc(cx, cy, (size * 0.92 * index) / rings - random() * 12), colour, 0.93);
  }
  canvas.paint(disc(cx, cy, size * 0.05), ink);
  for (const word of words) {
    const [x, y] = [size * (0.1 + random() * 0.8), size * (0.08 + random() * 0.8)];
    canvas.paint(formOf(word, x, y, 12 + word.length * 2.5, random), random() < 0.5 ? ink : light, 0.9);
  }
}

/** The form of a word: which one depends on the word alone, so that a word looks alike in every picture. */
function formOf(word: string, x: number, y: number, r: number, random: Random): Form {
  const angle = random() * Math.PI;
  const forms: readonly (() => Form)[] = [
    () => disc(x, y, r * 0.8),
    () => ring(x, y, r * 0.8, r * 0.28),
    () => block(x, y, r * 1.5, r * 1.5, angle),
    () => block(x, y, r * 2.4, r * 0.5, angle),
    () => halfDisc(x, y, r, angle),
    () =>
      polygon(
        [x + Math.cos(angle) * r, y + Math.sin(angle) * r],
        [x + Math.cos(angle + 2.1) * r, y + Math.sin(angle + 2.1) * r],
        [x + Math.cos(angle + 4.2) * r, y + Math.sin(angle + 4.2) * r],
      ),
    () => bar(x - r, y, x + r, y + r * 0.4, r * 0.3),
  ];
  return pick(seededRandom('form', word), forms)();
}

/** BUILTIN in five rows of pixels: nobody shall take the picture for a model's work. */
const label = [
  '111.1.1.1.1..111.1.1..1',
  '1.1.1.1.1.1...1..1.11.1',
  '11..1.1.1.1...1..1.1.11',
  '1.1.1.1.1.1...1..1.1..1',
  '111.111.1.111.1..1.1..1',
];

function drawLabel(canvas: Canvas, ink: Colour, paper: Colour): void {
  const [dot, left, top] = [2, 12, canvas.size - 22];
  canvas.paint(block(left + 23, top + 5, 58, 20), paper, 0.8);
  for (const [row, dots] of label.entries()) {
    for (const [column, sign] of Array.from(dots).entries()) {
      if (sign !== '1') continue;
      const [x, y] = [left + column * dot, top + row * dot];
      canvas.paint({ distance: () => -1, box: [x + 1, y + 1, x + dot - 1, y + dot - 1] }, ink);
    }
  }
}

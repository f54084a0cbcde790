import type { Random } from '../../random.ts';
import { bar, below, block, type Canvas, type Colour, disc, mix, polygon, ring, without } from './canvas.ts';

/** What a motif may use: a place (its foot or its centre), a measure in pixels, colours, and chance. */
export type Pen = {
  readonly canvas: Canvas;
  readonly x: number;
  readonly y: number;
  readonly unit: number;
  readonly ink: Colour;
  readonly accent: Colour;
  readonly light: Colour;
  readonly random: Random;
};

/** A motif stands in the sky, on the ground, or is the ground. */
export type Motif = { readonly place: 'sky' | 'ground' | 'land'; readonly draw: (pen: Pen) => void };

const sun: Motif = {
  place: 'sky',
  draw({ canvas, x, y, unit, accent, light }) {
    canvas.paint(disc(x, y, unit * 1.5), light, 0.25);
    for (let ray = 0; ray < 12; ray += 1) {
      const [cos, sin] = [Math.cos((ray * Math.PI) / 6), Math.sin((ray * Math.PI) / 6)];
      const [from, to] = [unit * 1.12, unit * (ray % 2 === 0 ? 1.5 : 1.32)];
      canvas.paint(bar(x + cos * from, y + sin * from, x + cos * to, y + sin * to, unit * 0.09), accent);
    }
    canvas.paint(disc(x, y, unit * 0.9), accent);
  },
};

const moon: Motif = {
  place: 'sky',
  draw({ canvas, x, y, unit, light }) {
    canvas.paint(disc(x, y, unit * 1.5), light, 0.12);
    canvas.paint(without(disc(x, y, unit), disc(x + unit * 0.5, y - unit * 0.25, unit * 0.85)), light);
  },
};

const star: Motif = {
  place: 'sky',
  draw({ canvas, x, y, unit, light, random }) {
    for (let one = 0; one < 9; one += 1) {
      const [cx, cy] = [x + (random() - 0.5) * unit * 5, y + (random() - 0.5) * unit * 2.6];
      const r = unit * (0.1 + random() * 0.2);
      const corners = Array.from({ length: 10 }, (_, n) => {
        const reach = n % 2 === 0 ? r : r * 0.42;
        const angle = (n * Math.PI) / 5 - Math.PI / 2;
        return [cx + Math.cos(angle) * reach, cy + Math.sin(angle) * reach] as const;
      });
      canvas.paint(polygon(...corners), light);
    }
  },
};

const cloud: Motif = {
  place: 'sky',
  draw({ canvas, x, y, unit, light }) {
    for (const [dx, dy, r] of [
      [-0.8, 0.1, 0.5],
      [-0.2, -0.2, 0.68],
      [0.45, -0.05, 0.55],
      [0.95, 0.18, 0.4],
    ] as const) {
      canvas.paint(disc(x + dx * unit, y + dy * unit, r * unit), light);
    }
    canvas.paint(bar(x - unit * 0.9, y + unit * 0.36, x + unit, y + unit * 0.36, unit * 0.46), light);
  },
};

const rain: Motif = {
  place: 'sky',
  draw(pen) {
    const { canvas, x, y, unit, ink, random } = pen;
    for (let drop = 0; drop < 18; drop += 1) {
      const [dx, dy] = [x + (random() - 0.5) * unit * 3, y + unit * (0.9 + random() * 2.4)];
      canvas.paint(bar(dx, dy, dx - unit * 0.12, dy + unit * 0.34, unit * 0.07), ink, 0.7);
    }
    cloud.draw(pen);
  },
};

const bird: Motif = {
  place: 'sky',
  draw({ canvas, x, y, unit, ink, random }) {
    for (let one = 0; one < 4; one += 1) {
      const [cx, cy] = [x + (random() - 0.5) * unit * 4, y + (random() - 0.5) * unit * 2];
      const w = unit * (0.35 + random() * 0.3);
      canvas.paint(bar(cx - w, cy - w * 0.5, cx, cy, w * 0.2), ink);
      canvas.paint(bar(cx, cy, cx + w, cy - w * 0.55, w * 0.2), ink);
    }
  },
};

const tree: Motif = {
  place: 'ground',
  draw({ canvas, x, y, unit, ink, accent, random }) {
    for (let one = 0; one < 3; one += 1) {
      const cx = x + (one - 1) * unit * 1.1;
      const height = unit * (1.7 + random() * 1.1);
      canvas.paint(block(cx, y - height * 0.3, unit * 0.16, height * 0.7), ink);
      if (random() < 0.5) {
        canvas.paint(disc(cx, y - height * 0.85, unit * 0.58), mix(accent, ink, one * 0.18));
      } else {
        const [w, top] = [unit * 0.62, y - height * 1.25];
        const crown = polygon([cx - w, y - height * 0.35], [cx + w, y - height * 0.35], [cx, top]);
        canvas.paint(crown, mix(accent, ink, one * 0.18));
      }
    }
  },
};

const house: Motif = {
  place: 'ground',
  draw({ canvas, x, y, unit, ink, accent, light, random }) {
    for (let one = 0; one < 3; one += 1) {
      const cx = x + (one - 1) * unit * 1.15;
      const [w, h] = [unit * 0.95, unit * (1 + random() * 1.6)];
      canvas.paint(block(cx, y - h / 2, w, h), mix(ink, light, 0.12 * one));
      const [eaves, ridge] = [y - h, y - h - unit * 0.6];
      canvas.paint(polygon([cx - w * 0.6, eaves], [cx + w * 0.6, eaves], [cx, ridge]), accent);
      for (let row = 0; row < Math.floor(h / (unit * 0.5)); row += 1) {
        for (const side of [-0.22, 0.22]) {
          if (random() < 0.25) continue;
          const cy = y - h + unit * (0.32 + row * 0.46);
          canvas.paint(block(cx + side * unit, cy, unit * 0.2, unit * 0.24), light);
        }
      }
    }
  },
};

const flower: Motif = {
  place: 'ground',
  draw({ canvas, x, y, unit, ink, accent, light, random }) {
    for (let one = 0; one < 5; one += 1) {
      const cx = x + (one - 2) * unit * 0.72;
      const top = y - unit * (0.7 + random() * 1.2);
      canvas.paint(bar(cx, y, cx, top, unit * 0.07), ink);
      for (let petal = 0; petal < 6; petal += 1) {
        const angle = (petal * Math.PI) / 3;
        const [px, py] = [cx + Math.cos(angle) * unit * 0.22, top + Math.sin(angle) * unit * 0.22];
        canvas.paint(disc(px, py, unit * 0.17), accent);
      }
      canvas.paint(disc(cx, top, unit * 0.14), light);
    }
  },
};

const animal: Motif = {
  place: 'ground',
  draw({ canvas, x, y, unit, ink, accent, light }) {
    canvas.paint(disc(x, y - unit * 0.55, unit * 0.72), ink);
    const head = y - unit * 1.55;
    for (const side of [-1, 1]) {
      const ear = polygon(
        [x + side * unit * 0.1, head - unit * 0.3],
        [x + side * unit * 0.5, head - unit * 0.85],
        [x + side * unit * 0.55, head - unit * 0.05],
      );
      canvas.paint(ear, ink);
    }
    canvas.paint(disc(x, head, unit * 0.55), ink);
    for (const side of [-1, 1]) {
      canvas.paint(disc(x + side * unit * 0.2, head - unit * 0.04, unit * 0.12), light);
      canvas.paint(disc(x + side * unit * 0.2, head - unit * 0.02, unit * 0.055), ink);
    }
    canvas.paint(disc(x, head + unit * 0.18, unit * 0.07), accent);
    canvas.paint(ring(x + unit * 0.85, y - unit * 0.4, unit * 0.35, unit * 0.16), ink);
  },
};

const boat: Motif = {
  place: 'ground',
  draw({ canvas, x, y, unit, ink, accent, light }) {
    const hull = polygon(
      [x - unit * 1.2, y - unit * 0.5],
      [x + unit * 1.2, y - unit * 0.5],
      [x + unit * 0.75, y],
      [x - unit * 0.8, y],
    );
    canvas.paint(bar(x, y - unit * 0.5, x, y - unit * 2.4, unit * 0.08), ink);
    const foot = y - unit * 0.65;
    canvas.paint(
      polygon([x + unit * 0.1, foot], [x + unit * 1, foot], [x + unit * 0.1, y - unit * 2.3]),
      light,
    );
    canvas.paint(
      polygon([x - unit * 0.1, foot], [x - unit * 0.75, foot], [x - unit * 0.1, y - unit * 2]),
      accent,
    );
    canvas.paint(hull, ink);
  },
};

const mountain: Motif = {
  place: 'land',
  draw({ canvas, y, unit, ink, light, random }) {
    for (let one = 0; one < 4; one += 1) {
      const cx = (one + 0.2 + random() * 0.6) * (canvas.size / 4);
      const [w, h] = [unit * (2.2 + random()), unit * (2.4 + random() * 1.6)];
      const shade = mix(ink, light, 0.35 - one * 0.07);
      canvas.paint(polygon([cx - w, y + unit], [cx + w, y + unit], [cx, y - h]), shade);
      const snow = polygon([cx - w * 0.2, y - h * 0.75], [cx + w * 0.2, y - h * 0.75], [cx, y - h]);
      canvas.paint(snow, light, 0.9);
    }
  },
};

const deep: Colour = [58, 124, 165];

const water: Motif = {
  place: 'land',
  draw({ canvas, y, unit, ink, light, random }) {
    for (let wave = 0; wave < 5; wave += 1) {
      const [base, shift] = [y + unit * 0.2 + wave * unit * 0.55, random() * 6];
      const curve = (x: number): number => base + Math.sin(x / (unit * 0.55) + shift) * unit * 0.14;
      canvas.paint(
        below(canvas.size, base - unit, curve),
        mix(mix(deep, light, 0.28 - wave * 0.06), ink, wave % 2 === 0 ? 0.1 : 0.25),
      );
    }
  },
};

const named = (motif: Motif, listed: string): (readonly [string, Motif])[] =>
  listed.split(' ').map((word) => [word, motif] as const);

/** German and English words that have a picture. */
export const motifs: ReadonlyMap<string, Motif> = new Map([
  ...named(sun, 'sun sonne summer sommer day tag morning morgen coin drum orange'),
  ...named(moon, 'moon mond night nacht dream traum lantern lamp lampe'),
  ...named(star, 'star stars stern sterne sky himmel comet sparks fireworks snow schnee winter'),
  ...named(cloud, 'cloud clouds wolke wolken pillow sheep wind'),
  ...named(rain, 'rain regen autumn herbst storm sturm'),
  ...named(bird, 'bird birds vogel vögel kite letter flies fliegt'),
  ...named(tree, 'tree trees baum bäume forest wald garden garten column park'),
  ...named(
    house,
    'house houses haus häuser city stadt tower turm street straße bridge brücke window fenster',
  ),
  ...named(flower, 'flower flowers blume blumen meadow wiese rose thistle spring frühling'),
  ...named(animal, 'cat cats katze katzen kitten dog hund fox fuchs animal tier'),
  ...named(boat, 'boat ship schiff boot sail island insel'),
  ...named(mountain, 'mountain mountains berg berge hill desert'),
  ...named(water, 'sea meer water wasser river fluss lake see fish fisch waves'),
]);

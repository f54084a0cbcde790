/** Red, green, blue, each 0–255. */
export type Colour = readonly [red: number, green: number, blue: number];

/** A form by its signed distance in pixels (negative inside), and the box it lies in. */
export type Form = {
  readonly distance: (x: number, y: number) => number;
  readonly box: readonly [left: number, top: number, right: number, bottom: number];
};

export type Canvas = {
  readonly size: number;
  readonly rgb: Uint8Array;
  /** Paints a form with smooth edges; `alpha` 0–1. */
  readonly paint: (form: Form, colour: Colour, alpha?: number) => void;
};

/** A square canvas, `size` pixels wide, with a gradient from top to bottom. */
export function createCanvas(size: number, top: Colour, bottom: Colour): Canvas {
  const rgb = new Uint8Array(size * size * 3);
  for (let y = 0; y < size; y += 1) {
    const [red, green, blue] = mix(top, bottom, y / (size - 1));
    for (let x = 0; x < size; x += 1) rgb.set([red, green, blue], (y * size + x) * 3);
  }
  return {
    size,
    rgb,
    paint(form, colour, alpha = 1) {
      const clamp = (value: number): number => Math.max(0, Math.min(size, value));
      const [left, upper, right, lower] = form.box;
      for (let y = clamp(Math.floor(upper) - 1); y < clamp(Math.ceil(lower) + 1); y += 1) {
        for (let x = clamp(Math.floor(left) - 1); x < clamp(Math.ceil(right) + 1); x += 1) {
          const cover = Math.max(0, Math.min(1, 0.5 - form.distance(x + 0.5, y + 0.5))) * alpha;
          if (cover === 0) continue;
          const at = (y * size + x) * 3;
          for (const channel of [0, 1, 2] as const) {
            const under = rgb[at + channel] ?? 0;
            rgb[at + channel] = Math.round(under + (colour[channel] - under) * cover);
          }
        }
      }
    },
  };
}

export const mix = (a: Colour, b: Colour, share: number): Colour => [
  Math.round(a[0] + (b[0] - a[0]) * share),
  Math.round(a[1] + (b[1] - a[1]) * share),
  Math.round(a[2] + (b[2] - a[2]) * share),
];

export const disc = (cx: number, cy: number, r: number): Form => ({
  distance: (x, y) => Math.hypot(x - cx, y - cy) - r,
  box: [cx - r, cy - r, cx + r, cy + r],
});

export const ring = (cx: number, cy: number, r: number, width: number): Form => ({
  distance: (x, y) => Math.abs(Math.hypot(x - cx, y - cy) - r) - width / 2,
  box: [cx - r - width, cy - r - width, cx + r + width, cy + r + width],
});

/** What is in the first form and not in the second. */
export const without = (form: Form, cut: Form): Form => ({
  distance: (x, y) => Math.max(form.distance(x, y), -cut.distance(x, y)),
  box: form.box,
});

/** A half disc that is cut along a line at `angle` (radians). */
export const halfDisc = (cx: number, cy: number, r: number, angle: number): Form => ({
  distance: (x, y) =>
    Math.max(Math.hypot(x - cx, y - cy) - r, (x - cx) * Math.sin(angle) - (y - cy) * Math.cos(angle)),
  box: [cx - r, cy - r, cx + r, cy + r],
});

/** A bar from one point to another with round ends. */
export const bar = (ax: number, ay: number, bx: number, by: number, width: number): Form => {
  const [dx, dy] = [bx - ax, by - ay];
  const length = dx * dx + dy * dy || 1;
  return {
    distance: (x, y) => {
      const along = Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / length));
      return Math.hypot(x - ax - along * dx, y - ay - along * dy) - width / 2;
    },
    box: [
      Math.min(ax, bx) - width,
      Math.min(ay, by) - width,
      Math.max(ax, bx) + width,
      Math.max(ay, by) + width,
    ],
  };
};

/** A polygon by its corners, in either direction. */
export function polygon(...corners: readonly (readonly [number, number])[]): Form {
  const xs = corners.map(([x]) => x);
  const ys = corners.map(([, y]) => y);
  const edges = corners.map((corner, index) => [corner, corners.at(index - 1) ?? corner] as const);
  return {
    distance: (x, y) => {
      let nearest = Number.POSITIVE_INFINITY;
      let inside = false;
      for (const [[ax, ay], [bx, by]] of edges) {
        const [dx, dy] = [bx - ax, by - ay];
        const along = Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1)));
        nearest = Math.min(nearest, Math.hypot(x - ax - along * dx, y - ay - along * dy));
        if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
      }
      return inside ? -nearest : nearest;
    },
    box: [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)],
  };
}

/** A rectangle around its centre, turned by `angle` (radians). */
export function block(cx: number, cy: number, width: number, height: number, angle = 0): Form {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const corner = (x: number, y: number): readonly [number, number] => [
    cx + x * cos - y * sin,
    cy + x * sin + y * cos,
  ];
  const [w, h] = [width / 2, height / 2];
  return polygon(corner(-w, -h), corner(w, -h), corner(w, h), corner(-w, h));
}

/** Everything below a curve `y = height(x)` of a canvas; edges are smooth where the curve is not steep. */
export const below = (size: number, top: number, height: (x: number) => number): Form => ({
  distance: (x, y) => height(x) - y,
  box: [0, top, size, size],
});

/** A piece of a line whose letters all go one way. */
export type DirectedPiece = { readonly text: string; readonly direction: 'ltr' | 'rtl' };

/**
 * Cuts a line where the direction of its letters changes. What has no direction of its own (spaces, digits, signs) goes
 * with the letters around it, or else with the line: in WordprocessingML a run of letters from left to right that is
 * marked as right to left has no defined look.
 */
export function* directedPieces(
  line: string,
  direction: DirectedPiece['direction'],
): Generator<DirectedPiece, void, undefined> {
  if (direction === 'ltr' && !rightToLeft.test(line)) return yield* whole(line, direction);
  const other = direction === 'ltr' ? 'rtl' : 'ltr';
  let from = 0;
  // A stretch of the other direction, from its first letter to its last letter or digit so far.
  let stretch: { readonly start: number; end: number } | undefined;
  for (const { 0: sign, index, groups } of line.matchAll(lettersAndDigits)) {
    const end = index + sign.length;
    if (groups?.[direction] === undefined) {
      if (stretch !== undefined) stretch.end = end;
      else if (groups?.[other] !== undefined) stretch = { start: index, end };
      continue;
    }
    if (stretch === undefined) continue;
    yield* whole(line.slice(from, stretch.start), direction);
    yield* whole(line.slice(stretch.start, stretch.end), other);
    from = stretch.end;
    stretch = undefined;
  }
  const last = stretch ?? { start: line.length, end: line.length };
  yield* whole(line.slice(from, last.start), direction);
  yield* whole(line.slice(last.start, last.end), other);
  yield* whole(line.slice(last.end), direction);
}

function* whole(
  text: string,
  direction: DirectedPiece['direction'],
): Generator<DirectedPiece, void, undefined> {
  if (text !== '') yield { text, direction };
}

const scripts = 'Arabic|Hebrew|Syriac|Thaana|Nko|Samaritan|Mandaic|Adlam|Hanifi_Rohingya|Yezidi'
  .split('|')
  .map((script) => `\\p{Script=${script}}`)
  .join('');
const rightToLeft = new RegExp(`(?=[${scripts}])\\p{L}`, 'u');
const lettersAndDigits = new RegExp(
  `(?<rtl>(?=[${scripts}])\\p{L}\\p{M}*)|(?<ltr>\\p{L}\\p{M}*)|\\p{Nd}`,
  'gu',
);

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
  let from = 0;
  for (const { 0: text, index } of line.matchAll(direction === 'ltr' ? rightToLeft : leftToRight)) {
    if (index > from) yield { text: line.slice(from, index), direction };
    yield { text, direction: direction === 'ltr' ? 'rtl' : 'ltr' };
    from = index + text.length;
  }
  if (from < line.length) yield { text: line.slice(from), direction };
}

const scripts = 'Arabic|Hebrew|Syriac|Thaana|Nko|Samaritan|Mandaic|Adlam|Hanifi_Rohingya|Yezidi'
  .split('|')
  .map((script) => `\\p{Script=${script}}`)
  .join('');
const rtl = `(?=[${scripts}])\\p{L}`;
const ltr = `(?![${scripts}])\\p{L}`;

/** From a letter of one direction to the last before a letter of the other. */
const stretch = (own: string, other: string): RegExp =>
  new RegExp(`${own}(?:(?:(?!${other}).)*${own}\\p{M}*)?`, 'gsu');
const rightToLeft = stretch(rtl, ltr);
const leftToRight = stretch(ltr, rtl);

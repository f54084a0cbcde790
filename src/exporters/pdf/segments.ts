/** How much is segmented at once: Intl.Segmenter takes time by the square of the length of its text. */
const windowLength = 1024;

/** The graphemes or words of a text of any length; one that is longer than a thousand characters comes in parts. */
export function* segmentsOf(text: string, segmenter: Intl.Segmenter): Iterable<string> {
  let from = 0;
  while (from < text.length) {
    const part = wholeCharacters(text, from, from + windowLength);
    const isLast = from + part.length === text.length;
    let open: string | undefined;
    for (const { segment } of segmenter.segment(part)) {
      if (open !== undefined) {
        yield open;
        from += open.length;
      }
      open = segment;
    }
    // The last one may go on behind this part, unless it fills it.
    if (open !== undefined && (isLast || open.length === part.length)) {
      yield open;
      from += open.length;
    }
  }
}

/** A slice that ends between two characters, not within a pair of surrogates. */
function wholeCharacters(text: string, from: number, to: number): string {
  const last = text.charCodeAt(to - 1);
  return text.slice(from, last >= 0xd800 && last <= 0xdbff ? to - 1 : to);
}

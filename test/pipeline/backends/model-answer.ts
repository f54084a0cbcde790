/** What a test server's model says. */
export type ModelAnswer = { readonly text: string; readonly thinking?: string };

const opening = 'Told again: ';

/**
 * A model's answer that tests can foretell: a guard finds everything safe; any other repeats what the prompt ends with,
 * the person's own text, with a few words before it.
 */
export function modelAnswer(model: string, prompt: string): ModelAnswer {
  if (model.includes('guard')) return { text: 'safe' };
  const ownText = prompt.split(/PROMPT:\n|\n\n/).at(-1) ?? '';
  return { text: ownText.startsWith(opening) ? ownText : opening + ownText };
}

/** The text in the small pieces in which models speak: a word and the space before it. */
export const tokensOf = (text: string): readonly string[] => text.match(/\s*\S+\s*$|\s*\S+/g) ?? [];

/** Bytes cut in the middle of every character that has more than one, so that no piece is whole UTF-8. */
export function cutWithinCharacters(bytes: Uint8Array): readonly Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let start = 0;
  for (const [index, byte] of bytes.entries()) {
    const isContinuation = (byte & 0b1100_0000) === 0b1000_0000;
    if (isContinuation && index > start) {
      pieces.push(bytes.subarray(start, index));
      start = index;
    }
  }
  return [...pieces, bytes.subarray(start)];
}

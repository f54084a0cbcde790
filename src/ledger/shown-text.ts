/**
 * A text for a terminal: what would steer it, hide itself or reorder what stands beside it is named by its code point. Whoever
 * checks a file is not to be fooled by what is written in it.
 */
export const shownText = (text: string): string =>
  text.replaceAll(
    /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu,
    (character) => `⟨U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}⟩`,
  );

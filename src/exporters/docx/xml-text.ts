import { namedCharacter } from '../visible-text.ts';

/**
 * A text as character data or as the value of an attribute. The outline has named what XML cannot carry; this is the
 * second lock: whatever comes here, the part is well-formed.
 */
export function xmlText(text: string): string {
  return text.replace(special, (character) => {
    const entity = entities[character];
    if (entity !== undefined) return entity;
    return namedCharacter(character.codePointAt(0) ?? 0);
  });
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  // A parser makes spaces of them in an attribute.
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
};

/** Markup, white space that a parser would change, and what is no `Char` of XML 1.0. */
const special = /[&<>"\uFFFE\uFFFF\p{Cc}\p{Cs}]/gu;

/** A string among the properties of a PDF may have 32,767 bytes, and a character takes two or four of them. */
const maxPropertyLength = 8000;

/** A text as a property of the file or of a picture, where it may not be endless; on the pages it stands whole. */
export function property(text: string): string {
  return text.length > maxPropertyLength ? `${text.slice(0, maxPropertyLength).toWellFormed()}…` : text;
}

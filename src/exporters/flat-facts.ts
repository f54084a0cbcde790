/** A name and a value of a free-form object, as a table shows them. */
export type FlatFact = { readonly label: string; readonly value: string };

/** Deeper than this a value is shown as its JSON text: nobody reads a path of more parts. */
const maxDepth = 8;

/**
 * Every leaf of a JSON object under its path (`policy.id`, `steps.0.method`). Strings are whole and without quotes, a
 * list of plain values has one line for each, and what is empty says so: nothing is left out.
 */
export function flatFacts(value: Readonly<Record<string, unknown>>, prefix = ''): FlatFact[] {
  return Object.entries(value).flatMap(([key, member]) => flat(prefix + key, member, 1));
}

function flat(label: string, value: unknown, depth: number): FlatFact[] {
  if (typeof value !== 'object' || value === null) return [{ label, value: plain(value) }];
  const members = Object.entries(value);
  if (members.length === 0 || depth >= maxDepth) return [{ label, value: JSON.stringify(value) }];
  if (Array.isArray(value) && value.every((entry) => typeof entry !== 'object' || entry === null))
    return [{ label, value: value.map(plain).join('\n') }];
  return members.flatMap(([key, member]) => flat(`${label}.${key}`, member, depth + 1));
}

/** A value as it is shown: a text without quotes, everything else as JSON. */
export const plain = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value) ?? '');

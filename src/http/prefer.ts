/** What `Prefer: wait` asks for, in seconds; `undefined` where no seconds are named. */
export type PreferredWait = { readonly seconds: number | undefined };

/** A longer header is read as saying nothing: the patterns need time that grows with its square. */
const maxHeaderChars = 1_000;
/** Preferences stand between commas that are in no quotes. */
const preference = /(?:[^,"]|"(?:[^"\\]|\\.)*"|")+/gs;
const wait = /^\s*wait\s*(?:=\s*(?:(\d+)|"(\d*)")?)?\s*(?:;.*)?$/is;

/** The first `wait` of a `Prefer` header (RFC 7240); what is malformed counts as not said. */
export function preferredWait(header: string | string[] | undefined): PreferredWait | undefined {
  const given = [header ?? []].flat().join(',');
  if (given.length > maxHeaderChars) return undefined;
  for (const part of given.match(preference) ?? []) {
    const match = wait.exec(part);
    if (match === null) continue;
    const digits = match[1] ?? match[2] ?? '';
    return { seconds: digits === '' ? undefined : Number(digits) };
  }
  return undefined;
}

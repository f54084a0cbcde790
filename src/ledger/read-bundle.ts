import type { Bundle } from './bundle.ts';
import {
  bundleFormat,
  checkpointNote,
  digestText,
  keyText,
  logName,
  maxPath,
  digestInHex,
} from './bundle-patterns.ts';
import { isObject, readCanonical, textOf } from './canonical-json.ts';

/** Where a file is no bundle, as a JSON pointer, and what should stand there. */
export type Malformed = { readonly pointer: string; readonly expected: string };

/**
 * Reads the bytes of a bundle by hand and not by its schema (bundle.ts): what decides whether a file was tampered with rests
 * on nothing but Node. Both take exactly the same values, and a test holds them to that.
 */
export function readBundle(bytes: Uint8Array): Bundle | Malformed {
  const text = textOf(bytes);
  const value = text === undefined ? undefined : readCanonical(text);
  if (value === undefined) return { pointer: '', expected: 'canonical JSON (RFC 8785)' };
  const fault = shape(value, '');
  return fault ?? (value as Bundle);
}

export const isMalformed = (read: Bundle | Malformed): read is Malformed => 'pointer' in read;

/** Undefined where a value has the shape. */
type Shape = (value: unknown, pointer: string) => Malformed | undefined;

const textLike =
  (pattern: RegExp, expected: string): Shape =>
  (value, pointer) =>
    typeof value === 'string' && pattern.test(value) ? undefined : { pointer, expected };

const wholeFrom =
  (least: number): Shape =>
  (value, pointer) =>
    Number.isSafeInteger(value) && (value as number) >= least
      ? undefined
      : { pointer, expected: `a whole number from ${least}` };

const listOf =
  (member: Shape, least = 0, most = Number.POSITIVE_INFINITY): Shape =>
  (value, pointer) => {
    if (!Array.isArray(value) || value.length < least || value.length > most)
      return { pointer, expected: `a list of ${least} or more` };
    for (const [index, each] of value.entries()) {
      const fault = member(each, `${pointer}/${index}`);
      if (fault !== undefined) return fault;
    }
    return undefined;
  };

const objectOf =
  (members: Readonly<Record<string, Shape>>, optional: readonly string[] = []): Shape =>
  (value, pointer) => {
    if (!isObject(value)) return { pointer, expected: 'an object' };
    for (const name of Object.keys(value))
      if (!Object.hasOwn(members, name)) return { pointer: `${pointer}/${name}`, expected: 'no such member' };
    for (const [name, member] of Object.entries(members)) {
      if (optional.includes(name) && !Object.hasOwn(value, name)) continue;
      const fault = member(value[name], `${pointer}/${name}`);
      if (fault !== undefined) return fault;
    }
    return undefined;
  };

const digest = textLike(digestText, 'base64 of 32 bytes');
const text = textLike(/^/, 'a text');
const place = wholeFrom(0);
const leaf = { core: text, index: place };
const proven = objectOf({ ...leaf, payload: objectOf({ salt: digest, text }) }, ['payload']);

const shape = objectOf({
  format: (value, pointer) => (value === bundleFormat ? undefined : { pointer, expected: bundleFormat }),
  origin: textLike(logName, 'printable ASCII without a plus sign'),
  run: textLike(/^[^]/, 'the name of a stream'),
  events: listOf(proven, 1),
  documents: listOf(proven),
  heads: objectOf({ event: objectOf(leaf), index: place, path: listOf(digest, 0, maxPath) }),
  proof: listOf(digest),
  checkpoint: textLike(checkpointNote, 'a checkpoint with one signature'),
  key: textLike(keyText, 'a public key with its name and id'),
  media: listOf(
    objectOf({ sha256: textLike(digestInHex, '64 hexadecimal digits'), items: listOf(wholeFrom(1), 1) }),
  ),
});

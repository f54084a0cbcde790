import { z } from 'zod';

const tokenPattern = /^[\p{L}\p{N}_.:/§@+-]{1,128}$/u;

/**
 * The only kind of free string a core may hold: a name, a number, a code – never a sentence. Whatever a person may have
 * written goes to the payload, where it can be erased.
 */
export const token = z
  .string()
  .regex(tokenPattern, 'must be a token: letters, digits and _ . : / § @ + -, at most 128');

export const isToken = (text: string): boolean => tokenPattern.test(text);

/** base64 of 32 bytes: a commitment or a chain link. */
export const base64Digest = z.base64().length(44);

/** SHA-256 in hex. */
export const hexDigest = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hex digits');

/** An HMAC under the deployment's key, base64url: lets equal texts be seen as equal, without saying which. */
export const keyedDigest = z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'must be 43 base64url characters');

/** An identifier in a program's spelling: a method, a reason, an error class. */
export const identifier = z.string().regex(/^[A-Za-z§][A-Za-z0-9_.:§-]{0,63}$/, 'must be an identifier');

/** A language by its BCP 47 tag. */
export const language = z.string().regex(/^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/, 'must be a language tag');

export const count = z.int().min(0);
export const seconds = z.number().min(0);

import { createHmac } from 'node:crypto';
import { stringify } from 'uuid';

/**
 * UUIDv8 out of HMAC(key, parts): the same client item, or the same item of the same imported record, gets the same id
 * at every try, so that the log can tell a retry from something new. Parts are joined by U+0000, which no part holds.
 */
export function keyedId(key: Uint8Array, ...parts: readonly string[]): string {
  const bytes = createHmac('sha256', key).update(parts.join('\0')).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return stringify(bytes);
}

/** An HMAC of something a person wrote or is, base64url: the only form in which it may stand in a core. */
export function keyedDigestOf(key: Uint8Array, purpose: string, text: string): string {
  return createHmac('sha256', key).update(`${purpose}\0${text}`).digest('base64url');
}

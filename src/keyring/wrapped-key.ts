import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { LedgerError } from '../errors.ts';
import { runKeyBytes } from '../events/seal.ts';

const nonceBytes = 12;
const tagBytes = 16;

/** nonce ‖ key under AES-256-GCM ‖ tag. */
export const wrappedKeyBytes = nonceBytes + runKeyBytes + tagBytes;

/** Wraps a stream's key, so that it opens for this stream only. `wrapping` is the deployment's. */
export function wrapKey(key: Uint8Array, stream: string, wrapping: Uint8Array): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', wrapping, nonce);
  cipher.setAAD(Buffer.from(stream));
  return Buffer.concat([nonce, cipher.update(key), cipher.final(), cipher.getAuthTag()]);
}

/** Undoes {@link wrapKey}. Throws KEYS_UNREADABLE, naming `file`, for anything else than it made. */
export function unwrapKey(
  wrapped: Uint8Array,
  stream: string,
  wrapping: Uint8Array,
  file: string,
): Uint8Array {
  const nonce = wrapped.subarray(0, nonceBytes);
  try {
    const decipher = createDecipheriv('aes-256-gcm', wrapping, nonce, { authTagLength: tagBytes });
    decipher.setAAD(Buffer.from(stream));
    decipher.setAuthTag(wrapped.subarray(-tagBytes));
    return Buffer.concat([decipher.update(wrapped.subarray(nonceBytes, -tagBytes)), decipher.final()]);
  } catch (cause) {
    throw new LedgerError('KEYS_UNREADABLE', { file }, { cause });
  }
}

import { Buffer } from 'node:buffer';
import { createCipheriv, createDecipheriv, hash } from 'node:crypto';

export const saltBytes = 32;
export const nonceBytes = 12;
export const runKeyBytes = 32;
const tagBytes = 16;

/** What a payload needs to be sealed: the run's key, and randomness that is used once. */
export type SealingKit = {
  /** 32 bytes, one random key per run. */
  readonly key: Uint8Array;
  /** 32 random bytes: makes the commitment hiding, also for a payload that can be guessed. */
  readonly salt: Uint8Array;
  /** 12 random bytes. */
  readonly nonce: Uint8Array;
};

/** salt ‖ JCS(payload): what is committed to, and what is sealed. */
export function saltedBytes(salt: Uint8Array, payload: string): Buffer {
  const salted = Buffer.allocUnsafe(saltBytes + Buffer.byteLength(payload));
  salted.set(salt);
  salted.write(payload, saltBytes);
  return salted;
}

/** `base64(SHA-256(salt ‖ JCS(payload)))`: what the core says about its payload, and all that is left of it once erased. */
export function commitment(salted: Uint8Array): string {
  return hash('sha256', salted, 'base64');
}

/** nonce ‖ AES-256-GCM(salt ‖ JCS(payload)) ‖ tag, bound to the event's place by the additional data stream ‖ seq. */
export function sealPayload(salted: Uint8Array, stream: string, seq: number, kit: SealingKit): Buffer {
  const cipher = createCipheriv('aes-256-gcm', kit.key, kit.nonce);
  cipher.setAAD(placeBytes(stream, seq));
  const sealed = Buffer.allocUnsafe(nonceBytes + salted.byteLength + tagBytes);
  sealed.set(kit.nonce);
  sealed.set(cipher.update(salted), nonceBytes);
  // A stream cipher holds nothing back: this only closes the tag.
  cipher.final();
  sealed.set(cipher.getAuthTag(), nonceBytes + salted.byteLength);
  return sealed;
}

/** Undoes {@link sealPayload}: salt ‖ JCS(payload). Undefined where the bytes are not what this key sealed for this place. */
export function openPayload(
  sealed: Uint8Array,
  stream: string,
  seq: number,
  key: Uint8Array,
): Buffer | undefined {
  if (sealed.byteLength < nonceBytes + saltBytes + tagBytes) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, nonceBytes), {
    authTagLength: tagBytes,
  });
  decipher.setAAD(placeBytes(stream, seq));
  decipher.setAuthTag(sealed.subarray(-tagBytes));
  const opened = decipher.update(sealed.subarray(nonceBytes, -tagBytes));
  try {
    decipher.final();
  } catch {
    // GCM has one failure only: these bytes were not sealed with this key for this place. The caller names the event.
    return undefined;
  }
  return opened;
}

function placeBytes(stream: string, seq: number): Buffer {
  const nameBytes = Buffer.byteLength(stream);
  const place = Buffer.allocUnsafe(nameBytes + 8);
  place.write(stream);
  place.writeUInt32BE(Math.floor(seq / 2 ** 32), nameBytes);
  place.writeUInt32BE(seq >>> 0, nameBytes + 4);
  return place;
}

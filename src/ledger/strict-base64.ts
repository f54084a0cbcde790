import { Buffer } from 'node:buffer';

/** Bytes of a base64 text in its only canonical spelling; undefined for every other one, so no second text means the same. */
export function strictBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}

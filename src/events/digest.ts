import { Buffer } from 'node:buffer';
import { createHash, hash } from 'node:crypto';

const leafPrefix = Buffer.from([0]);

/** SHA-256(0x00 ‖ E): the chain link of an event and its RFC 6962 leaf hash at once; 32 bytes. */
export function eventHash(core: Uint8Array): Buffer {
  return createHash('sha256').update(leafPrefix).update(core).digest();
}

/** `prev` of the first event of a stream, base64: no event of another stream can stand there. */
export function chainStart(stream: string): string {
  return hash('sha256', `runledger/v1\n${stream}`, 'base64');
}

/** Plain SHA-256 in hex: only for media, policies, workflows and other things that no person's words are in. */
export function sha256Hex(bytes: Uint8Array | string): string {
  return hash('sha256', bytes, 'hex');
}

import { Buffer } from 'node:buffer';
import { hash } from 'node:crypto';

/** 0x00 ‖ E: what is hashed of an event, in one piece, because one call is twice as fast as two updates. */
export function leafBytes(core: string): Buffer {
  const leaf = Buffer.allocUnsafe(1 + Buffer.byteLength(core));
  leaf[0] = 0;
  leaf.write(core, 1);
  return leaf;
}

/** SHA-256 of {@link leafBytes}: chain link of an event and its RFC 6962 leaf hash at once; 32 bytes. */
export function leafHash(leaf: Uint8Array): Buffer {
  return hash('sha256', leaf, 'buffer');
}

/** The hash of an event by its core's bytes as they were read. */
export function eventHash(core: Uint8Array): Buffer {
  const leaf = Buffer.allocUnsafe(1 + core.byteLength);
  leaf[0] = 0;
  leaf.set(core, 1);
  return leafHash(leaf);
}

/** `prev` of the first event of a stream, base64: no event of another stream can stand there. */
export function chainStart(stream: string): string {
  return hash('sha256', `runledger/v1\n${stream}`, 'base64');
}

/** Plain SHA-256 in hex: only for media, policies, workflows and other things that no person's words are in. */
export function sha256Hex(bytes: Uint8Array | string): string {
  return hash('sha256', bytes, 'hex');
}

import { Buffer } from 'node:buffer';

/** What bytes may be when nothing recognises them: sent as a download, never shown inline. */
const unknownMediaType = 'application/octet-stream';

/** As many first bytes as the sniffing looks at. */
export const sniffedBytes = 512;

/**
 * The media type by the first bytes, never by a name or a header. HTML and SVG, and any text that begins like markup,
 * are `application/octet-stream` on purpose: a browser must not run what a backend or a client sent.
 */
export function sniffMediaType(bytes: Uint8Array): string {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, sniffedBytes));
  const found = signatures.find(({ at = 0, magic, and }) => has(head, at, magic) && (and?.(head) ?? true));
  if (found !== undefined) return found.type;
  return isPlainText(head, bytes.byteLength > head.byteLength) ? 'text/plain' : unknownMediaType;
}

type Signature = {
  readonly type: string;
  readonly at?: number;
  /** Latin-1; a `\0` is a zero byte. */
  readonly magic: string;
  readonly and?: (head: Buffer) => boolean;
};

const has = (head: Buffer, at: number, magic: string): boolean =>
  head.toString('latin1', at, at + magic.length) === magic;
const brandIn =
  (...brands: readonly string[]) =>
  (head: Buffer): boolean =>
    brands.includes(head.toString('latin1', 8, 12).trim());

/** An MPEG audio frame header: 11 bits of sync, then version, layer III, a bitrate and a sample rate that exist. */
function isMpegFrame(head: Buffer): boolean {
  const [, second = 0, third = 0] = head;
  const isLayerThree = (second & 0xe6) === 0xe2 && (second & 0x18) !== 0x08;
  return isLayerThree && third >> 4 !== 0xf && third >> 4 !== 0 && (third & 0x0c) !== 0x0c;
}

const signatures: readonly Signature[] = [
  { type: 'image/png', magic: '\x89PNG\r\n\x1a\n' },
  { type: 'image/jpeg', magic: '\xff\xd8\xff' },
  { type: 'image/gif', magic: 'GIF87a' },
  { type: 'image/gif', magic: 'GIF89a' },
  { type: 'image/webp', magic: 'RIFF', and: (head) => has(head, 8, 'WEBP') },
  { type: 'audio/wav', magic: 'RIFF', and: (head) => has(head, 8, 'WAVE') },
  { type: 'image/avif', at: 4, magic: 'ftyp', and: brandIn('avif', 'avis') },
  { type: 'audio/mp4', at: 4, magic: 'ftyp', and: brandIn('M4A', 'M4B') },
  {
    type: 'video/mp4',
    at: 4,
    magic: 'ftyp',
    and: brandIn('isom', 'iso2', 'iso4', 'iso5', 'iso6', 'mp41', 'mp42', 'avc1', 'M4V', 'dash', 'MSNV'),
  },
  { type: 'video/webm', magic: '\x1a\x45\xdf\xa3', and: (head) => head.includes('webm') },
  { type: 'audio/mpeg', magic: 'ID3' },
  { type: 'audio/mpeg', magic: '\xff', and: isMpegFrame },
  { type: 'audio/ogg', magic: 'OggS', and: (head) => !head.includes('theora') },
  { type: 'video/ogg', magic: 'OggS' },
  { type: 'audio/flac', magic: 'fLaC' },
  { type: 'model/gltf-binary', magic: 'glTF\x02\0\0\0' },
  { type: 'application/pdf', magic: '%PDF-' },
];

const markup = /^[\s\ufeff]*</;

/** UTF-8 without control characters that no text has; a character that the sniffed part cuts in two is no fault. */
function isPlainText(head: Buffer, isCut: boolean): boolean {
  if (head.byteLength === 0) return false;
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(head, { stream: isCut });
  } catch {
    // Not UTF-8: whatever it is, it is not plain text of ours.
    return false;
  }
  return !markup.test(text) && !head.some(isControl);
}

/** A byte that stands in no text: a control character other than tab, line feeds, carriage return and escape. */
const isControl = (byte: number): boolean =>
  byte < 9 || (byte > 13 && byte < 32 && byte !== 27) || byte === 127;

import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { sign, verify } from 'node:crypto';
import { isKeyName, privateKeyOf, publicKeyOf, type SignerKey, type VerifierKey } from './note-key.ts';
import { strictBase64 } from './strict-base64.ts';

/** A text and who signed it (C2SP signed-note). */
export type SignedNote = {
  /** Ends with a line break; this is what is signed. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
};

export type NoteSignature = {
  readonly name: string;
  /** Eight hex digits. */
  readonly keyId: string;
  readonly signature: Uint8Array;
};

/** Signatures that a note may carry: as many as the note package of Go takes. */
const maxSignatures = 100;
/** A note in UTF-8 bytes: as many as the note package of Go takes. */
const maxNoteBytes = 1_000_000;

/**
 * Reads a note: text, an empty line, lines `— name base64(key id ‖ signature)`, each with its line break. Undefined for
 * anything else, such as a carriage return, base64 that another spelling would mean too, or no signature at all.
 * Says nothing on whether a signature holds: see {@link isSignedBy}.
 */
export function parseNote(note: string): SignedNote | undefined {
  if (Buffer.byteLength(note) > maxNoteBytes || !isPlainText(note)) return undefined;
  const split = note.lastIndexOf('\n\n');
  if (split < 0 || !note.endsWith('\n')) return undefined;
  const lines = note.slice(split + 2, -1).split('\n');
  if (lines.length > maxSignatures) return undefined;
  const signatures = lines.map(parseSignature);
  return signatures.every((signature) => signature !== undefined)
    ? { text: note.slice(0, split + 1), signatures }
    : undefined;
}

/** Does the note carry a signature of this key, and does it hold? One that bears the key's id and fails spoils the note. */
export function isSignedBy(note: SignedNote, key: VerifierKey): boolean {
  const own = note.signatures.filter(({ name, keyId }) => name === key.name && keyId === key.keyId);
  return (
    own.length > 0 &&
    own.every(({ signature }) => verify(null, Buffer.from(note.text), publicKeyOf(key.publicKey), signature))
  );
}

/** The note with one signature. Ed25519 has no randomness: the same text and key give the same bytes for ever. */
export function signNote(text: string, key: SignerKey): string {
  return noteOf(text, key, sign(null, Buffer.from(text), privateKeyOf(key.seed)));
}

/** A note from its parts: what {@link signNote} made, byte for byte. */
export function noteOf(
  text: string,
  key: Pick<VerifierKey, 'name' | 'keyId'>,
  signature: Uint8Array,
): string {
  assert(text.endsWith('\n') && isPlainText(text));
  const bytes = Buffer.concat([Buffer.from(key.keyId, 'hex'), signature]);
  return `${text}\n${signatureStart}${key.name} ${bytes.toString('base64')}\n`;
}

const signatureStart = '— ';
const keyIdBytes = 4;

function parseSignature(line: string): NoteSignature | undefined {
  if (!line.startsWith(signatureStart)) return undefined;
  const [name = '', encoded = '', ...more] = line.slice(signatureStart.length).split(' ');
  const bytes = strictBase64(encoded);
  if (!isKeyName(name) || more.length > 0 || bytes === undefined || bytes.length <= keyIdBytes)
    return undefined;
  return {
    name,
    keyId: bytes.toString('hex', 0, keyIdBytes),
    signature: bytes.subarray(keyIdBytes),
  };
}

/** Well-formed, and of the control characters below the space only the line break. */
const isPlainText = (text: string): boolean =>
  text.isWellFormed() && Array.from(text).every((char) => char >= ' ' || char === '\n');

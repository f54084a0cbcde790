import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { createPrivateKey, createPublicKey, hash, type KeyObject } from 'node:crypto';
import { strictBase64 } from './strict-base64.ts';

/** What checks a signature: the name and the public half of an Ed25519 key (C2SP signed-note). */
export type VerifierKey = {
  /** Neither spaces nor plus signs. */
  readonly name: string;
  /** Eight hex digits: the start of SHA-256(name ‖ 0x0a ‖ 0x01 ‖ public key). */
  readonly keyId: string;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
};

/** What signs. */
export type SignerKey = VerifierKey & {
  /** 32 bytes, secret. */
  readonly seed: Uint8Array;
};

const ed25519 = 0x01;
const keyBytes = 32;

/** Reads `name+keyid+base64(0x01 ‖ public key)`; undefined for anything else, also where the id is not that of the key. */
export function parseVerifierKey(text: string): VerifierKey | undefined {
  const parts = partsOf(text);
  if (parts === undefined) return undefined;
  const key = { name: parts.name, keyId: keyIdOf(parts.name, parts.key), publicKey: parts.key };
  return key.keyId === parts.keyId ? key : undefined;
}

/** `name+keyid+base64(0x01 ‖ public key)`: what is handed out and pinned. */
export function verifierKeyText({ name, keyId, publicKey }: VerifierKey): string {
  return `${name}+${keyId}+${typedKey(publicKey)}`;
}

/** Reads `PRIVATE+KEY+name+keyid+base64(0x01 ‖ seed)`; undefined for anything else. */
export function parseSignerKey(text: string): SignerKey | undefined {
  if (!text.startsWith(signerPrefix)) return undefined;
  const parts = partsOf(text.slice(signerPrefix.length));
  if (parts === undefined) return undefined;
  const key = signerKey(parts.name, parts.key);
  return key.keyId === parts.keyId ? key : undefined;
}

/** `PRIVATE+KEY+name+keyid+base64(0x01 ‖ seed)`: secret. */
export function signerKeyText({ name, keyId, seed }: SignerKey): string {
  return `${signerPrefix}${name}+${keyId}+${typedKey(seed)}`;
}

/** The key of this name that 32 secret bytes make. */
export function signerKey(name: string, seed: Uint8Array): SignerKey {
  assert(isKeyName(name) && seed.length === keyBytes);
  const { x } = createPublicKey(privateKeyOf(seed)).export({ format: 'jwk' });
  assert(x !== undefined);
  const publicKey = Buffer.from(x, 'base64url');
  return { name, keyId: keyIdOf(name, publicKey), publicKey, seed };
}

/** May a key be called this? Not empty, no space of any kind, no plus sign. */
export const isKeyName = (name: string): boolean => /^[^\s+\p{Z}\p{C}]+$/u.test(name);

export function privateKeyOf(seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([pkcs8Start, seed]), format: 'der', type: 'pkcs8' });
}

export function publicKeyOf(publicKey: Uint8Array): KeyObject {
  const x = Buffer.from(publicKey).toString('base64url');
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
}

const signerPrefix = 'PRIVATE+KEY+';
/** RFC 8410: everything of an Ed25519 private key in DER that comes before its seed. */
const pkcs8Start = Buffer.from('302e020100300506032b657004220420', 'hex');

const typedKey = (key: Uint8Array): string => Buffer.concat([Buffer.of(ed25519), key]).toString('base64');

function keyIdOf(name: string, publicKey: Uint8Array): string {
  return hash(
    'sha256',
    Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(ed25519), publicKey]),
    'hex',
  ).slice(0, 8);
}

function partsOf(text: string): { name: string; keyId: string; key: Uint8Array } | undefined {
  // The base64 part may hold plus signs itself.
  const [, name, keyId, typed] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/u.exec(text) ?? [];
  if (name === undefined || keyId === undefined || typed === undefined || !isKeyName(name)) return undefined;
  const bytes = strictBase64(typed);
  if (bytes?.length !== 1 + keyBytes || bytes[0] !== ed25519) return undefined;
  return { name, keyId, key: bytes.subarray(1) };
}

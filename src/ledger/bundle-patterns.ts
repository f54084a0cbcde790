/** Names the format of a bundle; a change that a verifier would notice gets another number. */
export const bundleFormat = 'runledger-audit/1';

// Printable ASCII without the plus sign: what names a log and its key, and looks alike to every program.
const name = '[!-*,-~]{1,200}';
// base64 of 32 bytes. The last character carries two bits of nothing: only one spelling is taken.
const base64Of32 = '[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=';
const base64Of68 = '[A-Za-z0-9+/]{90}[AEIMQUYcgkosw048]=';

export const logName = new RegExp(`^${name}$`);
export const digestText = new RegExp(`^${base64Of32}$`);
/** Name, key id and, after a byte that says Ed25519, the public key (C2SP signed-note). */
export const keyText = new RegExp(`^${name}\\+[0-9a-f]{8}\\+A[Q-Za-f][A-Za-z0-9+/]{42}$`);
/** A checkpoint without extension lines and with one Ed25519 signature, which has its key's id before it. */
export const checkpointNote = new RegExp(
  `^${name}\\n[1-9][0-9]{0,15}\\n${base64Of32}\\n\\n\\u2014 ${name} ${base64Of68}\\n$`,
);
/** SHA-256 in hex. */
export const digestInHex = /^[0-9a-f]{64}$/;
/** A proof has one hash for each level of the tree, and no tree has more. */
export const maxPath = 53;

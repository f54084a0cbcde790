import { Buffer } from 'node:buffer';
import { describe, expect, test } from 'vitest';
import { checkpointText, parseCheckpoint } from '../../src/ledger/checkpoint.ts';
import {
  parseSignerKey,
  parseVerifierKey,
  signerKey,
  signerKeyText,
  type SignerKey,
  type VerifierKey,
  verifierKeyText,
} from '../../src/ledger/note-key.ts';
import { isSignedBy, parseNote, type SignedNote, signNote } from '../../src/ledger/signed-note.ts';

/** The example of C2SP signed-note and of its first implementation (golang.org/x/mod, sumdb/note/note_test.go). */
const peterKey = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const peterSecret = 'PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz';
const text =
  "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const peterLine =
  '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n';
const enochKey = 'EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop';
const enochLine =
  '— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n';
const note = `${text}\n${peterLine}`;

function present<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('Not there');
  return value;
}
const peter = (): VerifierKey => present(parseVerifierKey(peterKey));
const peterSigner = (): SignerKey => present(parseSignerKey(peterSecret));
const parsed = (bytes: string): SignedNote => present(parseNote(bytes));

describe('keys of signed notes', () => {
  test('the published ones are read and written, and the secret one makes the public one', () => {
    expect(verifierKeyText(peter())).toBe(peterKey);
    expect(signerKeyText(peterSigner())).toBe(peterSecret);
    expect(verifierKeyText(peterSigner())).toBe(peterKey);
    expect(verifierKeyText(signerKey('PeterNeumann', peterSigner().seed))).toBe(peterKey);
  });

  test.each([
    ['verifier', peterKey, parseVerifierKey],
    ['signer', peterSecret, parseSignerKey],
  ] as const)('no piece of a %s key and none with another character is a key', (_, key, parse) => {
    for (let start = 0; start < key.length; start += 1)
      for (let end = start + 1; end <= key.length; end += 1)
        if (end - start < key.length) expect(parse(key.slice(start, end))).toBeUndefined();
    for (let at = 0; at < key.length; at += 1) {
      const other = String.fromCharCode(key.charCodeAt(at) + 1);
      expect(parse(`${key.slice(0, at)}${other}${key.slice(at + 1)}`)).toBeUndefined();
    }
  });

  test('a key of the wrong length or of another algorithm is none, even with the id that it would have', () => {
    expect(
      parseVerifierKey('PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY=='),
    ).toBeUndefined();
    expect(
      parseVerifierKey('PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'),
    ).toBeUndefined();
  });
});

describe('signed notes', () => {
  test('the published note is read, holds, and is signed again to the same bytes', () => {
    expect(parsed(note).text).toBe(text);
    expect(isSignedBy(parsed(note), peter())).toBe(true);
    expect(signNote(text, peterSigner())).toBe(note);
  });

  test('each of several signatures is checked with its own key, and a foreign one is no matter', () => {
    const both = parsed(`${note}${enochLine}`);
    expect(isSignedBy(both, peter())).toBe(true);
    expect(isSignedBy(both, present(parseVerifierKey(enochKey)))).toBe(true);
    expect(isSignedBy(parsed(note), present(parseVerifierKey(enochKey)))).toBe(false);
  });

  test('a second signature of the same key that fails spoils the note', () => {
    const bad = `${peterLine.slice(0, 60)}ABCD${peterLine.slice(60)}`;
    expect(isSignedBy(parsed(`${note}${bad}`), peter())).toBe(false);
  });

  test('no single other byte leaves the note readable and signed', () => {
    const bytes = Buffer.from(note);
    let read = 0;
    for (const at of bytes.keys()) {
      for (const flip of [1, 0x20, 0x80]) {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ flip;
        const spoilt = parseNote(changed.toString('utf8'));
        if (spoilt === undefined) continue;
        read += 1;
        expect(isSignedBy(spoilt, peter())).toBe(false);
      }
    }
    expect(read).toBeGreaterThan(100);
  });

  test.each([
    ['no signature', text],
    ['an empty list of signatures', `${text}\n`],
    ['no line break at the end', note.slice(0, -1)],
    ['a control character', `\u0001${note}`],
    ['a carriage return', note.replace('\n', '\r\n')],
    ['a lone surrogate', `\ud800${note}`],
    ['a name with a space', `${text}\n${peterLine.replace('PeterNeumann', 'Bad Name')}`],
    ['a name with a plus sign', `${text}\n${peterLine.replace('PeterNeumann', 'a+b')}`],
    ['another line among the signatures', `${note}Unexpected line.\n`],
    ['a hyphen for the dash', `${text}\n${peterLine.replace('—', '-')}`],
    ['base64 in another spelling', `${text}\n${peterLine.replace('nAM=', 'nAN=')}`],
    ['base64 without its padding', `${text}\n${peterLine.replace('nAM=', 'nAM')}`],
    ['a signature of no bytes', `${text}\n— PeterNeumann x08gow==\n`],
    ['101 signatures', `${text}\n${peterLine.repeat(101)}`],
  ])('what has %s is no note', (_, bytes) => {
    expect(parseNote(bytes)).toBeUndefined();
  });
});

describe('checkpoints', () => {
  /** The example of C2SP tlog-checkpoint. */
  const published = 'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n';
  const signedExample = `${published}\n— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n`;

  test('the published example is read and written again to the same bytes', () => {
    expect(parsed(signedExample).text).toBe(published);
    const checkpoint = present(parseCheckpoint(published));
    expect(checkpoint).toMatchObject({
      origin: 'example.com/behind-the-sofa',
      size: 20852163,
      extensions: [],
    });
    expect(Buffer.from(checkpoint.root).toString('hex')).toBe(
      '0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62',
    );
    expect(checkpointText(checkpoint)).toBe(published);
  });

  test('lines of other logs are kept as they are', () => {
    const extended = `${published}one more line\nand another\n`;
    const checkpoint = present(parseCheckpoint(extended));
    expect(checkpoint.extensions).toEqual(['one more line', 'and another']);
    expect(checkpointText(checkpoint)).toBe(extended);
  });

  test.each([
    ['an empty origin', published.replace('example.com/behind-the-sofa', '')],
    ['a leading zero', published.replace('20852163', '020852163')],
    ['a sign', published.replace('20852163', '-1')],
    ['a size beyond 2^53 - 1', published.replace('20852163', '9007199254740993')],
    ['a root of 31 bytes', published.replace('CsUY', '')],
    ['a root in another spelling', published.replace('q2I=', 'q2J=')],
    ['an empty line', `${published}\n`],
    ['no line break at the end', published.slice(0, -1)],
    ['no root', 'example.com/behind-the-sofa\n20852163\n'],
  ])('what has %s is no checkpoint', (_, bytes) => {
    expect(parseCheckpoint(bytes)).toBeUndefined();
  });
});

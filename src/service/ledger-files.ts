import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { diskRefusal } from '../disk/disk-refusal.ts';
import { makeWholeFile, replaceWholeFile } from '../disk/whole-file.ts';
import { LedgerError } from '../errors.ts';
import { type Checkpoint, parseCheckpoint } from '../ledger/checkpoint.ts';
import { parseSignerKey, signerKey, signerKeyText, type SignerKey } from '../ledger/note-key.ts';
import { parseNote } from '../ledger/signed-note.ts';

/** The two files of the ledger in the folder `keys/`, which stands outside of the log and is seen by every node. */
export type LedgerFiles = {
  /** The key that signs; read anew each time, because another node may have changed it. Throws KEYS_UNREADABLE. */
  readonly key: () => Promise<SignerKey | undefined>;
  /** The key that signs, made with this name where there is none: of several nodes that do so, all get the same one. */
  readonly ensureKey: (origin: string) => Promise<SignerKey>;
  /** A fresh key in the place of the one that signed until now. */
  readonly renewKey: (origin: string) => Promise<SignerKey>;
  /** What was signed last, wherever the log has gone since. Throws KEYS_UNREADABLE. */
  readonly signed: () => Promise<Checkpoint | undefined>;
  /** Keeps a signed note; one that is there is larger only where another node signed meanwhile, and then it stays. */
  readonly keepSigned: (note: string, size: number) => Promise<void>;
  /** Keeps a signed note in the place of whatever is there. */
  readonly replaceSigned: (note: string) => Promise<void>;
};

const keyFile = 'ledger-key.json';
const signedFile = 'ledger-checkpoint';
const keyShape = z.strictObject({ v: z.literal(1), key: z.string() });

export function ledgerFiles(directory: string): LedgerFiles {
  const [keyPath, signedPath] = [join(directory, keyFile), join(directory, signedFile)];
  const contentOf = (key: SignerKey): string => `${JSON.stringify({ v: 1, key: signerKeyText(key) })}\n`;
  const fresh = (origin: string): SignerKey => signerKey(origin, randomBytes(32));

  const key = async (): Promise<SignerKey | undefined> => {
    const text = await readIfThere(keyPath);
    if (text === undefined) return undefined;
    const shape = keyShape.safeParse(jsonOrUndefined(text));
    const parsed = shape.success ? parseSignerKey(shape.data.key) : undefined;
    if (parsed === undefined) throw new LedgerError('KEYS_UNREADABLE', { file: `keys/${keyFile}` });
    return parsed;
  };
  const signed = async (): Promise<Checkpoint | undefined> => {
    const text = await readIfThere(signedPath);
    if (text === undefined) return undefined;
    const checkpoint = parseCheckpoint(parseNote(text)?.text ?? '');
    if (checkpoint === undefined) throw new LedgerError('KEYS_UNREADABLE', { file: `keys/${signedFile}` });
    return checkpoint;
  };
  const replaceSigned = (note: string): Promise<void> => refusing(() => replaceWholeFile(signedPath, note));

  return {
    key,
    signed,
    ensureKey: async (origin) => {
      const there = await key();
      if (there !== undefined) return there;
      await refusing(() => makeWholeFile(keyPath, contentOf(fresh(origin))));
      const made = await key();
      if (made === undefined) throw new LedgerError('KEYS_UNREADABLE', { file: `keys/${keyFile}` });
      return made;
    },
    renewKey: async (origin) => {
      const made = fresh(origin);
      await refusing(() => replaceWholeFile(keyPath, contentOf(made)));
      return made;
    },
    keepSigned: async (note, size) => {
      if (((await signed())?.size ?? 0) <= size) await replaceSigned(note);
    },
    replaceSigned,
  };
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw diskRefusal('The folder keys/', error);
  }
}

async function refusing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw diskRefusal('The folder keys/', error);
  }
}

function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON is one of the shapes that a damaged file has; the caller refuses it by name.
    return undefined;
  }
}

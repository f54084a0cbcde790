import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { LedgerError } from '../errors.ts';
import { runKeyBytes } from '../events/seal.ts';
import { deploymentFile, type KeysOptions, openDeploymentKeys } from './deployment-keys.ts';
import { keyFiles, keyFilesFolder } from './key-files.ts';
import { hasRing, type KeyRing, openKeyRing, ringFolder } from './key-ring.ts';
import { copyKeys, type KeyShelf } from './key-shelf.ts';
import { takeRing } from './taken-ring.ts';
import { unwrapKey, wrapKey } from './wrapped-key.ts';

/** Unwrapped keys kept in memory; the rest is unwrapped again when it is asked for. */
const cachedKeys = 10_000;

/** The deployment's secrets and one random key per stream, wrapped, outside the log. */
export type Keyring = {
  readonly naming: Uint8Array;
  /** The stream's key; undefined where it was never made or has been destroyed: its payloads read as erased. */
  readonly keyOf: (stream: string) => Uint8Array | undefined;
  /** The stream's key, made and durable before it is handed out, so that no event can be sealed with a key that a crash loses. */
  readonly createKey: (stream: string) => Promise<Uint8Array>;
  /** Writes a consistent copy of the keyring, secrets included, into an empty folder: one that an embedded ledger opens. */
  readonly backup: (directory: string) => Promise<void>;
  readonly close: () => Promise<void>;
};

export type KeyringOptions = KeysOptions & {
  /** Do other processes make keys at the same time, perhaps on other machines? Default: no. */
  readonly isShared?: boolean;
};

/**
 * Opens the folder `keys/`; `readOnly` beside a running service. The keys of a shared log are files, those of an embedded one
 * a ring in LMDB. What lies in the other form is read as well: a ring is taken over into files first where several write;
 * files stay where they are. Throws KEYS_UNREADABLE, also for keys that are missing though `mustExist` says that a log needs
 * them, and LOCKED.
 */
export async function openKeyring(directory: string, options: KeyringOptions = {}): Promise<Keyring> {
  const deployment = await openDeploymentKeys(directory, options);
  const { own, ring, files, close } = await openShelves(directory, options);
  const unwrapped = new Map<string, Uint8Array>();
  const making = new Map<string, Promise<Uint8Array>>();

  const remember = (stream: string, key: Uint8Array): Uint8Array => {
    if (unwrapped.size >= cachedKeys) unwrapped.delete(unwrapped.keys().next().value ?? '');
    unwrapped.set(stream, key);
    return key;
  };
  const opened = (wrapped: Uint8Array, stream: string, { placeOf }: KeyShelf): Uint8Array =>
    remember(stream, unwrapKey(wrapped, stream, deployment.wrapping, placeOf(stream)));
  const keyOf = (stream: string): Uint8Array | undefined => {
    const cached = unwrapped.get(stream);
    if (cached !== undefined) return cached;
    for (const shelf of [ring, files]) {
      const wrapped = shelf?.get(stream);
      if (shelf !== undefined && wrapped !== undefined) return opened(wrapped, stream, shelf);
    }
    return undefined;
  };
  const make = async (stream: string): Promise<Uint8Array> => {
    const known = keyOf(stream);
    if (known !== undefined) {
      // Another node may have made it this moment.
      await own.settle(stream);
      return known;
    }
    const wrapped = wrapKey(randomBytes(runKeyBytes), stream, deployment.wrapping);
    return opened(await own.put(stream, wrapped), stream, own);
  };
  return {
    naming: deployment.naming,
    keyOf,
    createKey: async (stream) => {
      // Two calls at once must not make two keys: the second would lock the first one's payloads for ever.
      const pending = making.get(stream) ?? make(stream).finally(() => making.delete(stream));
      making.set(stream, pending);
      return pending;
    },
    backup: (target) => backupKeyring({ ring, files }, directory, target),
    close: async () => {
      await Promise.allSettled(making.values());
      await close();
    },
  };
}

type Shelves = { readonly ring: KeyRing | undefined; readonly files: KeyShelf | undefined };

/** `own` is where new keys go. */
async function openShelves(
  directory: string,
  { isShared = false, readOnly = false, mustExist = false }: KeyringOptions,
): Promise<Shelves & { readonly own: KeyShelf; readonly close: () => Promise<void> }> {
  const hasFiles = existsSync(join(directory, keyFilesFolder));
  if ((readOnly || mustExist) && !hasFiles && !hasRing(directory)) {
    throw new LedgerError('KEYS_UNREADABLE', { file: `keys/${isShared ? keyFilesFolder : ringFolder}` });
  }
  const files = keyFiles(directory);
  if (isShared && !readOnly) {
    await mkdir(join(directory, keyFilesFolder), { recursive: true, mode: 0o700 });
    await takeRing(directory, files);
    return { own: files, ring: undefined, files, close: async () => undefined };
  }
  const ring = !readOnly || hasRing(directory) ? openKeyRing(directory, { readOnly }) : undefined;
  const close = async (): Promise<void> => ring?.close();
  return { own: ring ?? files, ring, files: hasFiles ? files : undefined, close };
}

/** Into a ring, whatever the original is: one file is copied and moved in no time, and a shared log takes it over again. */
async function backupKeyring({ ring, files }: Shelves, directory: string, target: string): Promise<void> {
  await mkdir(join(target, ringFolder), { recursive: true, mode: 0o700 });
  await chmod(target, 0o700);
  await copyFile(join(directory, deploymentFile), join(target, deploymentFile));
  await ring?.backup(join(target, ringFolder));
  if (files === undefined) return;
  const copy = openKeyRing(target, { readOnly: false });
  try {
    await copyKeys(files, copy);
  } finally {
    await copy.close();
  }
}

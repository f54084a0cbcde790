import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { chmod, copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Database, open } from 'lmdb';
import { LedgerError } from '../errors.ts';
import { runKeyBytes } from '../events/seal.ts';
import { type DeploymentKeys, type KeysOptions, openDeploymentKeys } from './deployment-keys.ts';

const nonceBytes = 12;
const tagBytes = 16;
/** Unwrapped keys kept in memory; the rest is unwrapped again when it is asked for. */
const cachedKeys = 10_000;

/** The deployment's secrets and one random key per stream, wrapped, outside the log. */
export type Keyring = {
  readonly naming: Uint8Array;
  /** The stream's key; undefined where it was never made or has been destroyed: its payloads read as erased. */
  readonly keyOf: (stream: string) => Uint8Array | undefined;
  /** The stream's key, made and durable before it is handed out, so that no event can be sealed with a key that a crash loses. */
  readonly createKey: (stream: string) => Promise<Uint8Array>;
  /** Writes a consistent copy of the keyring, secrets included, into an empty folder. */
  readonly backup: (directory: string) => Promise<void>;
  readonly close: () => Promise<void>;
};

/**
 * Opens the folder `keys/` of a data directory; `readOnly` beside a running service. Throws KEYS_UNREADABLE, also for keys
 * that are missing though `mustExist` says that a log needs them.
 */
export async function openKeyring(directory: string, options: KeysOptions = {}): Promise<Keyring> {
  const deployment = await openDeploymentKeys(directory, options);
  const ringOptions = {
    path: join(directory, 'ring'),
    encoding: 'binary',
    keyEncoding: 'ordered-binary',
    overlappingSync: false,
    eventTurnBatching: false,
    // lmdb knows this option (src/env.cpp), its types do not; without it the files are open to everybody.
    permissionsMode: 0o600,
    readOnly: options.readOnly ?? false,
  } as const;
  const ring: Database<Buffer, string> = open(ringOptions);
  const unwrapped = new Map<string, Uint8Array>();
  const making = new Map<string, Promise<Uint8Array>>();

  const remember = (stream: string, key: Uint8Array): Uint8Array => {
    if (unwrapped.size >= cachedKeys) unwrapped.delete(unwrapped.keys().next().value ?? '');
    unwrapped.set(stream, key);
    return key;
  };
  const keyOf = (stream: string): Uint8Array | undefined => {
    const cached = unwrapped.get(stream);
    if (cached !== undefined) return cached;
    const wrapped = ring.get(stream);
    return wrapped === undefined ? undefined : remember(stream, unwrap(wrapped, stream, deployment));
  };
  const make = async (stream: string): Promise<Uint8Array> => {
    const key = randomBytes(runKeyBytes);
    const wrapped = wrap(key, stream, deployment);
    await putDurably(ring, stream, wrapped);
    // Read back before anything is sealed with it: a key that is not there loses every text of its stream.
    if (ring.get(stream)?.equals(wrapped) !== true) {
      const what = `The key of ${stream} was not stored`;
      throw new LedgerError('UNAVAILABLE', { what, cure: 'send the same again' });
    }
    return remember(stream, key);
  };
  return {
    naming: deployment.naming,
    keyOf,
    createKey: async (stream) => {
      const known = keyOf(stream);
      if (known !== undefined) return known;
      // Two calls at once must not make two keys: the second would lock the first one's payloads for ever.
      const pending = making.get(stream) ?? make(stream).finally(() => making.delete(stream));
      making.set(stream, pending);
      return pending;
    },
    backup: (target) => backupKeyring(ring, directory, target),
    close: async () => {
      await Promise.allSettled(making.values());
      await ring.close();
    },
  };
}

/** lmdb rejects a failed commit twice: once here, once on the error's own promise, which nobody else would catch. */
async function putDurably(ring: Database<Buffer, string>, stream: string, wrapped: Buffer): Promise<void> {
  try {
    await ring.put(stream, wrapped);
  } catch (error) {
    const { commitError } = error as { commitError?: Promise<unknown> };
    commitError?.catch(() => undefined);
    throw new LedgerError('STORAGE_FULL', { what: 'The keyring' }, { cause: error });
  }
}

function wrap(key: Uint8Array, stream: string, deployment: DeploymentKeys): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', deployment.wrapping, nonce);
  cipher.setAAD(Buffer.from(stream));
  return Buffer.concat([nonce, cipher.update(key), cipher.final(), cipher.getAuthTag()]);
}

function unwrap(wrapped: Uint8Array, stream: string, deployment: DeploymentKeys): Uint8Array {
  const nonce = wrapped.subarray(0, nonceBytes);
  const decipher = createDecipheriv('aes-256-gcm', deployment.wrapping, nonce, { authTagLength: tagBytes });
  decipher.setAAD(Buffer.from(stream));
  decipher.setAuthTag(wrapped.subarray(-tagBytes));
  try {
    return Buffer.concat([decipher.update(wrapped.subarray(nonceBytes, -tagBytes)), decipher.final()]);
  } catch (cause) {
    throw new LedgerError('KEYS_UNREADABLE', { file: 'keys/ring' }, { cause });
  }
}

async function backupKeyring(
  ring: Database<Buffer, string>,
  directory: string,
  target: string,
): Promise<void> {
  await mkdir(join(target, 'ring'), { recursive: true, mode: 0o700 });
  await chmod(target, 0o700);
  await copyFile(join(directory, 'deployment.json'), join(target, 'deployment.json'));
  await ring.backup(join(target, 'ring'), true);
}

import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { makeWholeFile } from '../disk/whole-file.ts';
import { LedgerError } from '../errors.ts';

/** The secrets of one deployment, 32 bytes each. Lost, every payload of its log reads as erased. */
export type DeploymentKeys = {
  /** Wraps the run keys in the keyring. */
  readonly wrapping: Uint8Array;
  /** Under which persons and texts appear as HMACs, and client-named items get their ids. */
  readonly naming: Uint8Array;
};

export type KeysOptions = {
  readonly readOnly?: boolean;
  /** Something is sealed already, so the keys must be there. */
  readonly mustExist?: boolean;
};

/** The file of `keys/` that holds them. */
export const deploymentFile = 'deployment.json';
const key32 = z.base64().refine((text) => Buffer.from(text, 'base64').byteLength === 32, 'must be 32 bytes');
const fileShape = z.strictObject({ v: z.literal(1), wrapping: key32, naming: key32 });

/**
 * Reads the deployment's keys, or makes them at first start: one file, mode 0600, in a folder that only the owner
 * enters, durable before it is used. Throws KEYS_UNREADABLE where the file is damaged, or missing though other keys or
 * events are there or nothing may be written: making new keys then would silently erase every payload.
 */
export async function openDeploymentKeys(
  directory: string,
  options: KeysOptions = {},
): Promise<DeploymentKeys> {
  const path = join(directory, deploymentFile);
  const first = await readIfThere(path);
  if (first !== undefined) return parseKeys(first);
  const mayMake = options.readOnly !== true && options.mustExist !== true && !(await holdsKeys(directory));
  if (mayMake) await makeKeys(directory);
  // Ours, or those of another node that starts at the same time: it makes them before anything else.
  const text = await readIfThere(path);
  if (text === undefined) throw new LedgerError('KEYS_UNREADABLE', { file: `keys/${deploymentFile}` });
  return parseKeys(text);
}

function parseKeys(text: string): DeploymentKeys {
  const parsed = fileShape.safeParse(jsonOrUndefined(text));
  if (!parsed.success)
    throw new LedgerError('KEYS_UNREADABLE', { file: `keys/${deploymentFile}` }, { cause: parsed.error });
  return {
    wrapping: Buffer.from(parsed.data.wrapping, 'base64'),
    naming: Buffer.from(parsed.data.naming, 'base64'),
  };
}

/** A first start that died may have left its draft behind; anything else wrapped keys belong to. */
async function holdsKeys(directory: string): Promise<boolean> {
  try {
    return (await readdir(directory)).some((name) => !name.startsWith(`${deploymentFile}.`));
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** Of several nodes that start at once one makes them, and the others have that one's. */
async function makeKeys(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
  const [wrapping, naming] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')];
  await makeWholeFile(join(directory, deploymentFile), JSON.stringify({ v: 1, wrapping, naming }));
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON is one of the shapes a damaged key file can have; the caller refuses it by name.
    return undefined;
  }
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT';

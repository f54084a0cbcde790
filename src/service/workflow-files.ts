import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { LedgerError } from '../errors.ts';
import { parseBody } from '../http/json-body.ts';
import { contentHash, parseDocument } from '../workflows/document.ts';
import type { HashedDocument } from '../workflows/library.ts';

/** Files of one folder that are read; what is beyond them in the order of names is refused. */
export const maxFiles = 1_000;
export const maxFileBytes = 1024 * 1024;

/** A workflow file as it was read: a document, or why it is none. */
export type WorkflowFile = {
  readonly stamp: string;
  readonly hashed?: HashedDocument;
  readonly fault?: Error;
};

/** By file name: what changes whenever the file does. */
export type FileStamps = ReadonlyMap<string, string>;

/** The stamp of a file that is one too many. */
const beyond = 'beyond';

/** The id that a file's document must have. */
export const idOfFile = (name: string): string => name.slice(0, -'.json'.length);

/** Every `*.json` file of a folder, links to files too, hidden ones left out. Rejects where the folder cannot be read. */
export async function stampsOf(directory: string): Promise<FileStamps> {
  const names = (await readdir(directory)).filter((name) => isWorkflowFile(name)).sort();
  const stamps = new Map<string, string>();
  for (const name of names) {
    const stamp = stamps.size < maxFiles ? await stampOf(join(directory, name)) : beyond;
    if (stamp !== undefined) stamps.set(name, stamp);
  }
  return stamps;
}

export const isWorkflowFile = (name: string): boolean => name.endsWith('.json') && !name.startsWith('.');

/** Reads a file that has this stamp; undefined where it changed meanwhile. What is wrong with it is its `fault`. */
export async function readWorkflowFile(
  directory: string,
  name: string,
  stamp: string,
): Promise<WorkflowFile | undefined> {
  if (stamp === beyond) {
    const what = `the folder has more than ${maxFiles} files`;
    return { stamp, fault: new LedgerError('WORKFLOW_INVALID', { workflow: idOfFile(name), what }) };
  }
  const path = join(directory, name);
  let file: WorkflowFile;
  try {
    file = { stamp, hashed: hashedIn(name, await bytesOf(path, name)) };
  } catch (error) {
    // A file that nobody may read is a fault like any other of this file.
    file = { stamp, fault: error instanceof Error ? error : new Error(String(error)) };
  }
  return (await stampOf(path)) === stamp ? file : undefined;
}

async function stampOf(path: string): Promise<string | undefined> {
  try {
    const found = await stat(path, { bigint: true });
    const { ino, size, mtimeNs, ctimeNs } = found;
    return found.isFile() ? [ino, size, mtimeNs, ctimeNs].join('-') : undefined;
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

async function bytesOf(path: string, name: string): Promise<Uint8Array> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path);
    const { size } = await handle.stat();
    if (size > maxFileBytes) {
      const what = `its file has ${size} bytes, ${maxFileBytes} are the most`;
      throw new LedgerError('WORKFLOW_INVALID', { workflow: idOfFile(name), what });
    }
    return await handle.readFile();
  } finally {
    await handle?.close();
  }
}

function hashedIn(name: string, bytes: Uint8Array): HashedDocument {
  const document = parseDocument(parseBody(bytes));
  if (document.id === idOfFile(name)) return { document, sha256: contentHash(document) };
  const detail = `is ${document.id}, but the file is ${name}: the file must be called ${document.id}.json`;
  throw new LedgerError(
    'WORKFLOW_INVALID',
    { workflow: document.id, what: `/id ${detail}` },
    { errors: [{ pointer: '/id', detail }] },
  );
}

/** Also of a link that leads nowhere. Any other trouble must not look like a file that was deleted. */
const isGone = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ELOOP');

import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link, mkdtemp, open, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { LedgerError } from '../errors.ts';
import type { Client, Download } from './client.ts';
import { jsonOf } from './output.ts';

/** Where a download goes: a new file, or what names one once the answer's own name for it is known. */
type Target = string | ((offered: string | undefined) => string);

/**
 * Downloads into a new file and answers its path. The file gets its name once all bytes are on the disk and have the
 * length and the digest that the service told: there is never half of one, and none is written over. Throws the signal's
 * reason once it aborts, and leaves nothing behind.
 */
export async function downloadTo(
  client: Pick<Client, 'download'>,
  path: string,
  target: Target,
  signal: AbortSignal,
): Promise<string> {
  try {
    return await takeIn(client, path, target, signal);
  } catch (error) {
    // Whatever broke off with it: the connection, or a process that renders here and heard the same Ctrl-C.
    signal.throwIfAborted();
    throw error;
  }
}

async function takeIn(
  client: Pick<Client, 'download'>,
  path: string,
  target: Target,
  signal: AbortSignal,
): Promise<string> {
  const answer = await accepted(await client.download(path, signal));
  const offered = /filename="([A-Za-z0-9][A-Za-z0-9._-]*)"/.exec(
    answer.header('content-disposition') ?? '',
  )?.[1];
  const file = typeof target === 'string' ? target : target(offered);
  const draft = join(dirname(file), `.runledger-${randomBytes(6).toString('hex')}.part`);
  try {
    await writeChecked(draft, answer, signal).catch((cause: unknown) => {
      throw unwritable(file, cause);
    });
    await nameNew(draft, file);
  } finally {
    // Of a draft that has its name the other one is left.
    await rm(draft, { force: true });
  }
  return file;
}

/** Downloads to standard output: nothing of it is written before all of it is here and is whole. */
export async function downloadToOutput(client: Client, path: string, signal: AbortSignal): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'runledger-'));
  try {
    const file = await downloadTo(client, path, join(folder, 'download'), signal);
    await pipeline(createReadStream(file), process.stdout, { end: false, signal });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Refuses a file that is there before anything is done for it. */
export async function refuseExisting(file: string): Promise<void> {
  const found = await stat(file).catch(() => undefined);
  if (found !== undefined) throw existing(file);
}

async function accepted(answer: Download): Promise<Download> {
  if (answer.status < 400) return answer;
  const chunks: Uint8Array[] = [];
  for await (const chunk of answer.body) chunks.push(chunk);
  jsonOf({ status: answer.status, text: Buffer.concat(chunks).toString() });
  return answer;
}

async function writeChecked(draft: string, { header, body }: Download, signal: AbortSignal): Promise<void> {
  const hash = createHash('sha256');
  let bytes = 0;
  const file = await open(draft, 'wx', 0o600);
  try {
    for await (const chunk of body) {
      signal.throwIfAborted();
      hash.update(chunk);
      bytes += chunk.byteLength;
      await file.writeFile(chunk);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  const length = header('content-length');
  const [, digest] = /sha-256=:([A-Za-z0-9+/=]+):/.exec(header('content-digest') ?? '') ?? [];
  if (
    (length !== undefined && Number(length) !== bytes) ||
    (digest !== undefined && digest !== hash.digest('base64'))
  ) {
    const what = `The file that came (${bytes} bytes) is not the one that the service told of`;
    throw new LedgerError('UNAVAILABLE', { what, cure: 'nothing was kept of it; try again' });
  }
}

/** Gives a file its name, unless something has it. */
async function nameNew(draft: string, file: string): Promise<void> {
  try {
    await link(draft, file);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw existing(file, cause);
    // Memory sticks and network folders may know no second name of a file.
    await refuseExisting(file);
    await rename(draft, file);
  }
}

const existing = (file: string, cause?: unknown): LedgerError =>
  new LedgerError(
    'INVALID_REQUEST',
    { what: `${file} exists and was left as it is`, cure: 'name a new file' },
    { cause },
  );

function unwritable(file: string, cause: unknown): unknown {
  if (!(cause instanceof Error && 'syscall' in cause && 'code' in cause)) return cause;
  return new LedgerError(
    'INVALID_REQUEST',
    {
      what: `${file} cannot be written (${String(cause.code)})`,
      cure: 'name a new file in a folder that exists',
    },
    { cause },
  );
}

import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Presets, SingleBar } from 'cli-progress';
import { LedgerError } from '../errors.ts';
import { isTimeZone } from '../events/time.ts';
import type { Client } from './client.ts';
import { exitCodes } from './exit-codes.ts';
import { complain, jsonOf, print, sentenceOf } from './output.ts';

/** Files in one request, and the bytes at which a request is sent earlier. */
const filesInBatch = 100;
const batchBytes = 16 * 1024 * 1024;

type Loaded = { readonly file: string; readonly text: string };
type Refused = { readonly file: string; readonly reason: string };
type Tally = { imported: number; unchanged: number; findings: number; readonly refused: Refused[] };
type ImportAnswer = {
  readonly imported: number;
  readonly unchanged: number;
  readonly refused: readonly { readonly index: number; readonly reason: string }[];
  readonly findings: readonly unknown[];
};

/** `runledger import PATH…`: every `.json` below the paths, in order of their names; refused files are told one by one. */
export async function importPaths(
  client: Client,
  paths: readonly string[],
  timeZone: string,
  json: boolean,
): Promise<number> {
  if (!isTimeZone(timeZone)) throw new LedgerError('UNKNOWN_TIME_ZONE', { timeZone });
  const files = (await Promise.all(paths.map(filesBelow))).flat();
  const tally: Tally = { imported: 0, unchanged: 0, findings: 0, refused: [] };
  const bar = new SingleBar(
    {
      stream: process.stderr,
      format: '{bar} {value}/{total} files, {refused} refused',
      clearOnComplete: true,
    },
    Presets.shades_classic,
  );
  if (process.stderr.isTTY) bar.start(files.length, 0, { refused: 0 });
  try {
    for await (const batch of batches(files, tally)) {
      await send(client, batch, timeZone, tally);
      bar.increment(batch.length, { refused: tally.refused.length });
    }
  } finally {
    bar.stop();
    // Also where the rest could not be sent: what was refused until then stays refused.
    for (const { file, reason } of tally.refused) complain(`refused ${file}: ${reason}`);
  }
  const sum = `${tally.imported} imported, ${tally.unchanged} unchanged, ${tally.refused.length} refused, ${tally.findings} findings`;
  print(json ? JSON.stringify(tally) : sum);
  return tally.refused.length === 0 ? exitCodes.done : exitCodes.partly;
}

async function filesBelow(path: string): Promise<string[]> {
  const found = await stat(path).catch((cause: unknown) => {
    const what = `${path} cannot be read`;
    throw new LedgerError(
      'INVALID_REQUEST',
      { what, cure: 'name a file or a folder that exists' },
      { cause },
    );
  });
  if (!found.isDirectory()) return [path];
  const names = await readdir(path, { recursive: true });
  return names
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => join(path, name));
}

/** Files are sent as they are, so that their numbers keep all digits; what is no JSON is refused here, alone. */
async function* batches(files: readonly string[], tally: Tally): AsyncGenerator<Loaded[]> {
  let batch: Loaded[] = [];
  let bytes = 0;
  for (const file of files) {
    try {
      const text = new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file));
      JSON.parse(text);
      batch.push({ file, text });
      bytes += text.length;
    } catch (error) {
      const why =
        error instanceof SyntaxError || error instanceof TypeError ? error.message : sentenceOf(error);
      tally.refused.push({ file, reason: `it is no JSON in UTF-8 (${why})` });
    }
    if (batch.length === filesInBatch || bytes >= batchBytes) {
      yield batch;
      batch = [];
      bytes = 0;
    }
  }
  if (batch.length > 0) yield batch;
}

async function send(client: Client, batch: readonly Loaded[], timeZone: string, tally: Tally): Promise<void> {
  const path = `/api/runs/import?timezone=${encodeURIComponent(timeZone)}`;
  const answer = await client.request('POST', path, `[${batch.map(({ text }) => text).join(',')}]`);
  if (answer.status >= 400 && answer.status < 500 && batch.length > 1) {
    // One file that no request may hold (a key twice, say) must not take the others with it.
    for (const one of batch) await send(client, [one], timeZone, tally);
    return;
  }
  const [only] = batch;
  if (answer.status >= 400 && answer.status < 500 && only) {
    tally.refused.push({ file: only.file, reason: reasonOf(answer.text) });
    return;
  }
  const result = jsonOf(answer) as ImportAnswer;
  tally.imported += result.imported;
  tally.unchanged += result.unchanged;
  tally.findings += result.findings.length;
  for (const { index, reason } of result.refused)
    tally.refused.push({ file: batch[index]?.file ?? '?', reason });
}

function reasonOf(text: string): string {
  const problem = JSON.parse(text) as { readonly detail?: string };
  return problem.detail ?? text;
}

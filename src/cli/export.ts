import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { LedgerError } from '../errors.ts';
import type { Client } from './client.ts';
import { downloadTo, downloadToOutput, refuseExisting } from './download.ts';
import { exitCodes } from './exit-codes.ts';
import { complain, print, RefusedByService, sentenceOf } from './output.ts';

/** How a run is told. */
export type Telling = {
  readonly format: string;
  readonly view?: string | undefined;
  readonly logs?: boolean | undefined;
  readonly lang?: string | undefined;
};

/**
 * `runledger export ID…`: one run into a new file or to standard output, several into a folder, a file each. A run that is
 * refused does not keep the others back.
 */
export async function exportRuns(
  client: Client,
  ids: readonly string[],
  telling: Telling,
  output: string | undefined,
  signal: AbortSignal,
): Promise<number> {
  const [id, ...more] = ids;
  if (id === undefined) return exitCodes.usage;
  if (more.length === 0) {
    if (output === undefined) await downloadToOutput(client, addressOf(id, telling), signal);
    else await downloadTo(client, addressOf(id, telling), output, signal);
    return exitCodes.done;
  }
  if (output === undefined) throw pathNeeded('Several runs are several files', 'name a folder with -o');
  await mkdir(output, { recursive: true });
  let refused = 0;
  for (const one of ids) {
    try {
      // The name that the service gives it; an id alone is one too, and has no slash.
      const named = (offered: string | undefined): string =>
        join(output, offered ?? `${encodeURIComponent(one)}.${telling.format}`);
      print(await downloadTo(client, addressOf(one, telling), named, signal));
    } catch (error) {
      if (!(error instanceof RefusedByService || error instanceof LedgerError)) throw error;
      refused += 1;
      complain(`refused ${one}: ${sentenceOf(error)}`);
    }
  }
  return refused === 0 ? exitCodes.done : exitCodes.partly;
}

export const pathNeeded = (what: string, cure: string): LedgerError =>
  new LedgerError('INVALID_REQUEST', { what, cure });

/** A path for a result that is made first: refused now rather than after the work. */
export async function newFile(output: string | undefined): Promise<string> {
  if (output === undefined) throw pathNeeded('An export of many runs is a file', 'name a new one with -o');
  await refuseExisting(output);
  return output;
}

function addressOf(id: string, { format, view, logs, lang }: Telling): string {
  const query = new URLSearchParams({
    ...(view === undefined ? {} : { view }),
    ...(logs === true ? { include: 'logs' } : {}),
    ...(lang === undefined ? {} : { lang }),
  }).toString();
  const path = `/api/runs/${encodeURIComponent(id)}/export/${encodeURIComponent(format)}`;
  return query === '' ? path : `${path}?${query}`;
}

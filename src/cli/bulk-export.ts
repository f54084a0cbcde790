import { setTimeout } from 'node:timers/promises';
import { Presets, SingleBar } from 'cli-progress';
import { LedgerError } from '../errors.ts';
import type { bulkExport } from '../http/answers.ts';
import type { z } from 'zod';
import type { Client } from './client.ts';
import { downloadTo } from './download.ts';
import { exitCodes } from './exit-codes.ts';
import { newFile, type Telling } from './export.ts';
import { complain, jsonOf, print } from './output.ts';

type BulkExport = z.infer<typeof bulkExport>;

/** Between two looks at a job. */
const lookEveryMs = 250;

/** `runledger export --filter …`: every run that matches, in one ZIP. */
export async function exportMany(
  client: Client,
  filters: readonly string[],
  { format, view, logs, lang }: Telling,
  output: string | undefined,
  signal: AbortSignal,
): Promise<number> {
  const file = await newFile(output);
  const body = {
    filter: filterOf(filters),
    format,
    ...(view === undefined ? {} : { view }),
    ...(logs === true ? { include: ['logs'] } : {}),
    ...(lang === undefined ? {} : { lang }),
  };
  const begun = jsonOf(await client.request('POST', '/api/exports', JSON.stringify(body)));
  return follow(client, (begun as Pick<BulkExport, 'export_id'>).export_id, file, signal);
}

/** `runledger export --resume EXPORT_ID`: goes on with one that was left, or takes the file of a finished one. */
export async function resumeExport(
  client: Client,
  id: string,
  output: string | undefined,
  signal: AbortSignal,
): Promise<number> {
  const file = await newFile(output);
  const { status } = await read(client, id);
  if (status !== 'finished')
    jsonOf(await client.request('POST', `/api/exports/${encodeURIComponent(id)}/resume`));
  return follow(client, id, file, signal);
}

/** Shows how far the job is until it has ended, then takes its file. An interrupt leaves it to be resumed. */
async function follow(client: Client, id: string, file: string, signal: AbortSignal): Promise<number> {
  const bar = progressOf(id);
  let job: BulkExport;
  try {
    for (;;) {
      job = await read(client, id);
      bar.show(job);
      if (job.status !== 'queued' && job.status !== 'running') break;
      await setTimeout(lookEveryMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) {
        bar.stop();
        complain(`left unfinished; go on with: runledger export --resume ${id} -o ${file}`);
        return exitCodes.failed;
      }
    }
  } finally {
    bar.stop();
  }
  if (job.file === null)
    throw new LedgerError('EXPORT_STATUS', {
      export_id: id,
      current_status: job.status,
      action: 'downloaded',
    });
  await downloadTo(client, job.file.href, file, signal);
  const { total, errors } = job.progress;
  print(
    `${total - errors} of ${total} runs in ${file}${errors === 0 ? '' : `, ${errors} refused: see errors.json in it`}`,
  );
  return errors === 0 ? exitCodes.done : exitCodes.partly;
}

const read = async (client: Client, id: string): Promise<BulkExport> =>
  jsonOf(await client.request('GET', `/api/exports/${encodeURIComponent(id)}`)) as BulkExport;

/** `name=value` pairs; a status may be given more than once. */
function filterOf(pairs: readonly string[]): Record<string, string> {
  const filter = new Map<string, string>();
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    const name = pair.slice(0, at);
    if (at < 1) {
      const what = `The filter "${pair}" has no name and value`;
      throw new LedgerError('INVALID_REQUEST', { what, cure: 'write it like status=failed' });
    }
    const known = filter.get(name);
    if (known !== undefined && name !== 'status') {
      const what = `The filter ${name} is given twice`;
      throw new LedgerError('INVALID_REQUEST', { what, cure: 'all filters must match: give each once' });
    }
    filter.set(name, known === undefined ? pair.slice(at + 1) : `${known},${pair.slice(at + 1)}`);
  }
  return Object.fromEntries(filter);
}

/** On a terminal a bar; elsewhere a line whenever another tenth is done. */
function progressOf(id: string): { readonly show: (job: BulkExport) => void; readonly stop: () => void } {
  const bar = new SingleBar(
    { stream: process.stderr, format: '{bar} {value}/{total} runs, {errors} refused', clearOnComplete: true },
    Presets.shades_classic,
  );
  let told = '';
  const tell = (text: string): void => {
    if (text === told) return;
    told = text;
    complain(text);
  };
  return {
    show: ({ status, progress: { done, total, errors } }) => {
      if (!process.stderr.isTTY) {
        if (status === 'queued') tell(`${id} waits for its turn`);
        else tell(`${id} ${status}: ${tenths(done, total)} of ${total} runs`);
        return;
      }
      if (!bar.isActive) bar.start(total, done, { errors });
      else bar.update(done, { errors });
    },
    stop: () => bar.stop(),
  };
}

/** `done`, down to the last full tenth of all. */
const tenths = (done: number, total: number): number =>
  done === total ? total : Math.floor((Math.floor((done * 10) / Math.max(total, 1)) * total) / 10);

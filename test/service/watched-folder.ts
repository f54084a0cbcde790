import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { type Logger, pino } from 'pino';
import { type LedgerService, startLedgerService } from '../http/ledger-service.ts';

/** A line of the service's own log. */
export type Line = {
  readonly msg: string;
  readonly file?: string;
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
  readonly err?: { readonly message: string };
};

/** A document as GET /api/workflows/{id} tells it. */
export type Standing = {
  readonly version: number;
  readonly source: string;
  readonly retired: boolean;
  readonly document: { readonly context: string };
};

export type WatchedFolder = {
  readonly root: string;
  readonly folder: string;
  readonly data: string;
  readonly log: Logger;
  /** Warnings and worse. */
  readonly lines: readonly Line[];
  /** Waits for a line of the log. */
  readonly logged: (matches: (line: Line) => boolean) => Promise<Line>;
  /** Starts a service that follows the folder. */
  readonly start: () => Promise<LedgerService>;
  readonly stop: (service: LedgerService) => Promise<void>;
  readonly write: (name: string, text: string | Buffer) => Promise<void>;
  /** Stops what runs, and removes everything. */
  readonly remove: () => Promise<void>;
};

/** A workflow folder and a data directory of their own. */
export async function watchedFolder(): Promise<WatchedFolder> {
  const root = mkdtempSync(join(tmpdir(), 'runledger-folder-'));
  const folder = join(root, 'workflows');
  const data = join(root, 'data');
  await mkdir(folder);
  await mkdir(data);
  const lines: Line[] = [];
  const waiting: (() => void)[] = [];
  const running = new Set<LedgerService>();
  const destination = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      lines.push(JSON.parse(chunk.toString()) as Line);
      for (const wake of waiting.splice(0)) wake();
      done();
    },
  });
  const log = pino({ level: 'warn' }, destination);
  const stop = async (service: LedgerService): Promise<void> => {
    running.delete(service);
    await service.close();
  };
  return {
    root,
    folder,
    data,
    log,
    lines,
    logged: async (matches) => {
      for (;;) {
        const found = lines.find(matches);
        if (found !== undefined) return found;
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
    },
    start: async () => {
      const service = await startLedgerService({ RUNLEDGER_DATA: data, RUNLEDGER_WORKFLOWS: folder }, log);
      running.add(service);
      return service;
    },
    stop,
    write: (name, text) => writeFile(join(folder, name), text),
    remove: async () => {
      for (const service of running) await stop(service);
      rmSync(root, { recursive: true, force: true });
    },
  };
}

const texts = { name: { en: 'x', de: 'x' }, description: { en: 'x', de: 'x' } };

/** The text of a workflow's file. */
export const workflow = (id: string, context: string, more: object = {}): string =>
  JSON.stringify({
    id,
    ...texts,
    pipeline: 'text_transformation',
    instruction_type: 'description',
    context,
    ...more,
  });

/** The text of an output config's file. */
export const config = (id: string): string =>
  JSON.stringify({
    id,
    ...texts,
    media_type: 'image',
    backend: 'comfyui',
    model: 'm',
    execution_mode: 'eco',
    meta: { stage: 'output' },
  });

/** Undefined for what was never published. */
export async function standing(service: LedgerService, id: string): Promise<Standing | undefined> {
  const { status, json } = await service.get(`/api/workflows/${id}`);
  return status === 200 ? (json as Standing) : undefined;
}

/** Asks until the document stands as it should. */
export async function until(
  service: LedgerService,
  id: string,
  wanted: Partial<Standing>,
): Promise<Standing> {
  for (;;) {
    const found = await standing(service, id);
    const stands =
      found !== undefined &&
      Object.entries(wanted).every(([key, value]) => found[key as keyof Standing] === value);
    if (stands) return found;
  }
}

/** The same by what the document says. */
export async function untilContext(service: LedgerService, id: string, context: string): Promise<void> {
  for (;;) {
    const found = await standing(service, id);
    if (found?.document.context === context) return;
  }
}

/** What each version says, the first one first. */
export async function contextsOf(service: LedgerService, id: string): Promise<string[]> {
  const { json } = await service.get(`/api/workflows/${id}/versions`);
  const versions = json['versions'] as { readonly version: number }[];
  const contexts = versions.map(async ({ version }) => {
    const reply = await service.get(`/api/workflows/${id}/versions/${version}`);
    return (reply.json as Standing).document.context;
  });
  return (await Promise.all(contexts)).toReversed();
}

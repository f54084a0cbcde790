#!/usr/bin/env node
import { setTimeout } from 'node:timers/promises';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { pino } from 'pino';
import { auditRuns } from './cli/audit.ts';
import { backUp } from './cli/backup.ts';
import { type Client, openClient } from './cli/client.ts';
import { copyLedger } from './cli/copy.ts';
import { exitCodes } from './cli/exit-codes.ts';
import { interruptibly } from './cli/interrupt.ts';
import { checkLedger } from './cli/fsck.ts';
import { importPaths } from './cli/import.ts';
import { complain, sentenceOf } from './cli/output.ts';
import { rebuildProjections } from './cli/rebuild.ts';
import { exportMany, resumeExport } from './cli/bulk-export.ts';
import { exportRuns } from './cli/export.ts';
import { replayRun, type ReplayOptions, runToReplay } from './cli/replay.ts';
import { listRuns, runPrompt, showRun } from './cli/runs.ts';
import { type Config, readConfig } from './config.ts';
import { languages } from './events/localized.ts';
import { formats } from './exporters/registry.ts';
import { views } from './exporters/view.ts';
import { createApp } from './http/app.ts';
import { printPolicy } from './cli/policy.ts';
import { openLedger } from './service/open.ts';

type Global = { readonly data?: string; readonly json?: boolean };

type ExportOptions = {
  readonly format?: string;
  readonly output?: string;
  readonly filter: readonly string[];
  readonly all?: boolean;
  readonly resume?: string;
  readonly view?: string;
  readonly logs?: boolean;
  readonly lang?: string;
};

const program = new Command('runledger')
  .description('The flight recorder for generative-AI runs.')
  .option('--data <dir>', 'data directory (default: RUNLEDGER_DATA, or ./data)')
  .option('--json', 'print data instead of sentences')
  .showHelpAfterError()
  .exitOverride()
  .addHelpText(
    'after',
    '\nExit status: 0 done, 1 refused or failed, 2 wrong usage, 3 done but the run ended blocked or failed or some files were refused, 4 fsck found faults or audit violations, 130 a download or a copy was interrupted.',
  );

program
  .command('run <workflow> <text>')
  .description('run a prompt through the four stages')
  .addOption(new Option('--level <level>', 'safety level').choices(['kids', 'youth', 'adult', 'research']))
  .addOption(new Option('--mode <mode>', 'eco (local) or fast (cloud)').choices(['eco', 'fast']))
  .option('--seed <number>', 'seed of all that is random', wholeNumber)
  .option('--user <id>', 'whose run it is')
  .option('--session <id>', 'in which session')
  .action((workflow: string, text: string, options: Record<string, string>) =>
    withClient((client, { json }) => runPrompt(client, workflow, text, { ...options, json: json === true })),
  );

program
  .command('list')
  .description('list runs, newest first')
  .option('--limit <n>', '1 to 100')
  .option('--offset <n>', 'from 0')
  .option('--config <name>', 'workflow')
  .option('--date <day>', 'YYYY-MM-DD')
  .option('--status <list>', 'comma list')
  .option('--user_id <id>')
  .option('--session_id <id>')
  .action((filters: Record<string, string>) =>
    withClient((client, { json }) => listRuns(client, filters, json === true)),
  );

program
  .command('show <id>')
  .description('show the whole journey of a run')
  .option('--at-seq <n>', 'as it was after this item')
  .option('--at <time>', 'as it was known at this time')
  .action((id: string, { atSeq, at }: { atSeq?: string; at?: string }) =>
    withClient((client, { json }) => {
      const query = new URLSearchParams({
        ...(atSeq === undefined ? {} : { at_seq: atSeq }),
        ...(at === undefined ? {} : { at }),
      }).toString();
      return showRun(client, id, query === '' ? '' : `?${query}`, json === true);
    }),
  );

program
  .command('replay <id>')
  .description('tell a run again, item by item, with the pauses that it had')
  .option('--speed <times>', 'so many times as fast as it was, or max for no pauses', timesAsFast, 1)
  .option('--to <where>', 'terminal, stream (one JSON item a line) or a new file', 'terminal')
  .option('--at-seq <n>', 'up to this item')
  .action((id: string, { atSeq, ...options }: ReplayOptions & { atSeq?: string }) =>
    finish(async (config) => {
      // The ledger is let go before the first pause.
      const record = await askOnce(config, (client) => runToReplay(client, id, atSeq));
      return interruptibly((signal) =>
        replayRun(record, options, (ms, ends) => setTimeout(ms, undefined, { signal: ends }), signal),
      );
    }),
  );

const exporting = program
  .command('export [ids...]')
  .description('write runs as files: those named, or every one that matches a filter in one ZIP')
  .option('--format <format>', [...formats.keys()].join(', '))
  .option(
    '-o, --output <path>',
    'a new file, or a folder for several ids; one run goes to standard output without it',
  )
  .option('--filter <name=value>', 'as of list, such as status=failed; may be repeated', collect, [])
  .option('--all', 'every run')
  .option('--resume <export>', 'go on with an export that was left')
  .addOption(new Option('--view <view>', 'what is shown; everything without it').choices(views))
  .option('--logs', 'log entries too, where a view is named')
  .addOption(new Option('--lang <lang>', 'of the words that are ours').choices(languages))
  .action(async (ids: string[], options: ExportOptions) => {
    const { format, output, filter, all, resume, ...rest } = options;
    const isMany = filter.length > 0 || all === true;
    if ([ids.length > 0, isMany, resume !== undefined].filter(Boolean).length !== 1)
      exporting.error('error: name either ids, or filters (--all for every run), or --resume');
    if (all === true && filter.length > 0)
      exporting.error('error: --all is every run, --filter some of them: name one of the two');
    if (resume !== undefined && (format !== undefined || Object.keys(rest).length > 0))
      exporting.error(
        'error: what --resume goes on with has its format and its choices already: leave them out',
      );
    if (resume !== undefined) {
      await withClient((client) => interruptibly((signal) => resumeExport(client, resume, output, signal)));
      return;
    }
    if (format === undefined)
      return exporting.error("error: required option '--format <format>' not specified");
    const telling = { format, ...rest };
    await withClient((client) =>
      interruptibly((signal) =>
        isMany
          ? exportMany(client, filter, telling, output, signal)
          : exportRuns(client, ids, telling, output, signal),
      ),
    );
  });

program
  .command('import <paths...>')
  .description('take in records that older systems wrote')
  .option('--timezone <zone>', 'IANA zone of times without one', 'UTC')
  .action((paths: string[], { timezone }: { timezone: string }) =>
    withClient((client, { json }) => importPaths(client, paths, timezone, json === true)),
  );

program
  .command('audit [ids...]')
  .description('check the invariants of the runs that are named, or of all; what is unproven is told too')
  .action((ids: string[]) => withClient((client, { json }) => auditRuns(client, ids, json === true)));

program
  .command('fsck')
  .description(
    'replay the log and check everything, the read models of this data directory too; changes nothing',
  )
  .action(() => finish((config, { json }) => checkLedger(config, json === true)));

program
  .command('rebuild [projections...]')
  .description('build the read models anew (the service must be stopped)')
  .action((names: string[]) =>
    finish((config, { json }) => rebuildProjections(config, names, json === true)),
  );

program
  .command('backup <dir>')
  .description(
    'copy log, keys and media into a new data directory; its log is embedded, wherever the original is',
  )
  .action((directory: string) => finish((config, { json }) => backUp(config, directory, json === true)));

const copying = program
  .command('copy')
  .description('copy the log into another store, and compare the two; goes on where it was broken off')
  .option('--from <store>', 'lmdb, lmdb:DIR or esdb://… (default: RUNLEDGER_STORE)')
  .option('--to <store>', 'the same (default: RUNLEDGER_STORE); empty, or a copy that was begun')
  .option('--verify-only', 'compare, and write nothing')
  .action(async (options: { from?: string; to?: string; verifyOnly?: boolean }) => {
    if (options.from === undefined && options.to === undefined)
      copying.error('error: name the store to copy --from, or --to, or both');
    await finish((config, { json }) =>
      interruptibly((signal) => copyLedger(config, options, json === true, signal)),
    );
  });

program
  .command('policy')
  .description('print a safety policy to begin your own with (see RUNLEDGER_POLICY)')
  .action(printPolicy);

// `runledger list | head` reads no further: that is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

await main();

async function main(): Promise<void> {
  try {
    await program.parseAsync();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  }
}

async function withClient(work: (client: Client, global: Global) => Promise<number>): Promise<void> {
  await finish((config, global) => askOnce(config, (client) => work(client, global)));
}

async function askOnce<T>(config: Config, ask: (client: Client) => Promise<T>): Promise<T> {
  const client = await openClient(config, openHere);
  try {
    return await ask(client);
  } finally {
    await client.close();
  }
}

async function finish(work: (config: Config, global: Global) => Promise<number>): Promise<void> {
  const global = program.opts<Global>();
  try {
    const env = global.data === undefined ? process.env : { ...process.env, RUNLEDGER_DATA: global.data };
    process.exitCode = await work(readConfig(env), global);
  } catch (error) {
    complain(`runledger: ${sentenceOf(error)}`);
    process.exitCode = exitCodes.failed;
  }
}

/** The service's own routes inside this process: both ways of asking give the same answer. */
async function openHere(config: Config): Promise<Client> {
  const log = pino({ level: 'warn' }, pino.destination(2));
  const ledger = await openLedger(config, log, { executes: false });
  const app = await createApp(ledger.service, log);
  return {
    request: async (method, path, body) => {
      const answer = await app.inject({
        method,
        url: path,
        ...(body === undefined ? {} : { body, headers: { 'content-type': 'application/json' } }),
      });
      return { status: answer.statusCode, text: answer.body };
    },
    download: async (path, signal) => {
      const answer = await app.inject({ method: 'GET', url: path, payloadAsStream: true, signal });
      return {
        status: answer.statusCode,
        header: (name) => answer.headers[name]?.toString(),
        body: answer.stream() as AsyncIterable<Uint8Array>,
      };
    },
    close: async () => {
      await app.close();
      await ledger.close(0);
    },
  };
}

function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

function timesAsFast(text: string): number | 'max' {
  if (text === 'max') return text;
  const times = /^\d{1,6}(\.\d{1,6})?$/.test(text) ? Number(text) : 0;
  if (times <= 0) throw new InvalidArgumentError('must be a number above 0, or max.');
  return times;
}

function wholeNumber(text: string): string {
  if (!/^-?\d{1,15}$/.test(text)) throw new InvalidArgumentError('must be a whole number.');
  return text;
}

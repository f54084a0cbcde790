#!/usr/bin/env node
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { pino } from 'pino';
import { backUp } from './cli/backup.ts';
import { type Client, openClient } from './cli/client.ts';
import { exitCodes } from './cli/exit-codes.ts';
import { checkLedger } from './cli/fsck.ts';
import { importPaths } from './cli/import.ts';
import { complain, sentenceOf } from './cli/output.ts';
import { rebuildProjections } from './cli/rebuild.ts';
import { exportRun, listRuns, runPrompt, showRun } from './cli/runs.ts';
import { type Config, readConfig } from './config.ts';
import { createApp } from './http/app.ts';
import { printPolicy } from './cli/policy.ts';
import { openLedger } from './service/open.ts';

type Global = { readonly data?: string; readonly json?: boolean };

const program = new Command('runledger')
  .description('The flight recorder for generative-AI runs.')
  .option('--data <dir>', 'data directory (default: RUNLEDGER_DATA, or ./data)')
  .option('--json', 'print data instead of sentences')
  .showHelpAfterError()
  .exitOverride()
  .addHelpText(
    'after',
    '\nExit status: 0 done, 1 refused or failed, 2 wrong usage, 3 done but the run ended blocked or failed or some files were refused, 4 fsck found faults.',
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
  .command('export <id>')
  .description('write a run as a file')
  .requiredOption('--format <format>', 'json')
  .option('-o, --output <file>', 'a new file; standard output where none is named')
  .action((id: string, { format, output }: { format: string; output?: string }) =>
    withClient((client) => exportRun(client, id, format, output)),
  );

program
  .command('import <paths...>')
  .description('take in records that older systems wrote')
  .option('--timezone <zone>', 'IANA zone of times without one', 'UTC')
  .action((paths: string[], { timezone }: { timezone: string }) =>
    withClient((client, { json }) => importPaths(client, paths, timezone, json === true)),
  );

program
  .command('fsck')
  .description('replay the log and check everything; changes nothing')
  .action(() => finish((config, { json }) => checkLedger(config, json === true)));

program
  .command('rebuild [projections...]')
  .description('build the read models anew (the service must be stopped)')
  .action((names: string[]) =>
    finish((config, { json }) => rebuildProjections(config, names, json === true)),
  );

program
  .command('backup <dir>')
  .description('copy log, keys and media into a new directory')
  .action((directory: string) => finish((config, { json }) => backUp(config, directory, json === true)));

program
  .command('policy')
  .description('print a safety policy to begin your own with (see RUNLEDGER_POLICY)')
  .action(printPolicy);

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
  await finish(async (config, global) => {
    const client = await openClient(config, openHere);
    try {
      return await work(client, global);
    } finally {
      await client.close();
    }
  });
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
    close: async () => {
      await app.close();
      await ledger.close(0);
    },
  };
}

function wholeNumber(text: string): string {
  if (!/^-?\d{1,15}$/.test(text)) throw new InvalidArgumentError('must be a whole number.');
  return text;
}

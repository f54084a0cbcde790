/** `npm run bench -- NAME [options]`: measures, prints tables, asserts nothing. */
import { append } from './append.ts';
import { appendPostgres } from './append-postgres.ts';
import { auditAnswers } from './audit-answers.ts';
import { audit } from './audit.ts';
import { exports } from './export.ts';
import { filter } from './filter.ts';
import { fullPath } from './full-path.ts';
import { http } from './http.ts';
import { run as list } from './list.ts';
import { run as rebuild } from './rebuild.ts';
import { storedBytes } from './stored-bytes.ts';
import { verify } from './verify.ts';

type Run = (args: readonly string[]) => Promise<void>;
type Bench = { readonly what: string; readonly runs: readonly Run[] };

const benches: Readonly<Record<string, Bench>> = {
  append: {
    what: 'the log: append in flight and bulk, stored bytes, PostgreSQL, the full path of an item',
    runs: [append, storedBytes, appendPostgres, fullPath],
  },
  audit: {
    what: 'the audit: every answer against a scan of a planted log, then each question at 1 M decisions',
    runs: [audit],
  },
  'audit-answers': { what: 'the answers that docs/audit.md shows', runs: [auditAnswers] },
  export: {
    what: 'exports of long runs: time, peak memory, how long the event loop is held',
    runs: [exports],
  },
  filter: {
    what: 'the term filter: time per 100 kB of adversarial text, from 10 kB to 1 MB',
    runs: [filter],
  },
  http: { what: 'over HTTP: the run list, and a durable item', runs: [http] },
  list: { what: 'the run list at 10 k and 1 M runs, a rebuild, a fresh process', runs: [list, rebuild] },
  verify: { what: 'the evidence of a run: made, and checked by both verifiers', runs: [verify] },
};

const [name = '', ...args] = process.argv.slice(2);
const bench = benches[name];
if (bench === undefined) {
  const known = Object.entries(benches).map(([key, { what }]) => `  ${key.padEnd(8)}${what}`);
  console.log(['npm run bench -- NAME [--repetitions N] [--scale X]', ...known].join('\n'));
} else {
  for (const run of bench.runs) await run(args);
}

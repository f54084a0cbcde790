/** `npm run bench -- NAME [options]`: measures, prints a table, asserts nothing. */
import { append } from './append.ts';
import { appendPostgres } from './append-postgres.ts';
import { storedBytes } from './stored-bytes.ts';

type Bench = { readonly what: string; readonly run: (args: readonly string[]) => Promise<void> };

const benches: Readonly<Record<string, Bench>> = {
  append: { what: 'store port: append in flight and bulk, against better-sqlite3', run: append },
  'append-postgres': { what: 'store port: append at 64 in flight, against PostgreSQL', run: appendPostgres },
  'stored-bytes': { what: 'store port: pages in use for each byte of core and payload', run: storedBytes },
};

const [name = '', ...args] = process.argv.slice(2);
const bench = benches[name];
if (bench === undefined) {
  const list = Object.entries(benches).map(([key, { what }]) => `  ${key.padEnd(18)}${what}`);
  console.log(['npm run bench -- NAME [--repetitions N] [--scale X]', ...list].join('\n'));
} else {
  await bench.run(args);
}

import { z } from 'zod';
import { LedgerError } from './errors.ts';
import { isTimeZone } from './events/time.ts';

const port = z
  .string()
  .regex(/^\d{1,5}$/, 'must be a port number')
  .transform(Number)
  .refine((value) => value <= 65_535, 'must be at most 65535');

const timeZone = z.string().refine(isTimeZone, 'must be an IANA time zone such as Europe/Berlin');

const environment = z.object({
  RUNLEDGER_HOST: z.string().min(1).default('127.0.0.1'),
  RUNLEDGER_PORT: port.default(17_801),
  RUNLEDGER_DATA: z.string().min(1).default('./data'),
  RUNLEDGER_STORE: z
    .string()
    .regex(/^(lmdb(:.+)?|esdb(\+discover)?:\/\/.+)$/, 'must be lmdb, lmdb:DIR or esdb://…')
    .default('lmdb'),
  RUNLEDGER_TIMEZONE: timeZone.default('UTC'),
  RUNLEDGER_LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  RUNLEDGER_INSECURE: z.enum(['0', '1']).default('0'),
});

export type Config = {
  readonly host: string;
  readonly port: number;
  /** The data directory: log, keys, projections and media stand below it. */
  readonly dataDirectory: string;
  readonly store: string;
  readonly timeZone: string;
  readonly logLevel: z.infer<typeof environment>['RUNLEDGER_LOG_LEVEL'];
};

const loopback = new Set(['127.0.0.1', '::1', 'localhost']);

/** Reads the configuration out of the environment. Throws CONFIG_INVALID with every fault at once. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const parsed = environment.safeParse(env);
  const faults = parsed.success
    ? []
    : parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`);
  const known = new Set(Object.keys(environment.shape));
  for (const name of Object.keys(env)) {
    if (name.startsWith('RUNLEDGER_') && !known.has(name))
      faults.push(`${name} is not a setting of runledger`);
  }
  const host = env['RUNLEDGER_HOST'] ?? '127.0.0.1';
  if (!loopback.has(host) && env['RUNLEDGER_INSECURE'] !== '1') {
    faults.push(
      `RUNLEDGER_HOST ${host} is reachable from other machines, and there is no access control yet: use 127.0.0.1, or set RUNLEDGER_INSECURE=1 to accept that`,
    );
  }
  if (!parsed.success || faults.length > 0) throw new LedgerError('CONFIG_INVALID', { faults });
  const { data } = parsed;
  return {
    host: data.RUNLEDGER_HOST,
    port: data.RUNLEDGER_PORT,
    dataDirectory: data.RUNLEDGER_DATA,
    store: data.RUNLEDGER_STORE,
    timeZone: data.RUNLEDGER_TIMEZONE,
    logLevel: data.RUNLEDGER_LOG_LEVEL,
  };
}

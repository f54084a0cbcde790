import { z } from 'zod';
import { LedgerError } from './errors.ts';
import { isStoreName } from './event-store/store-name.ts';
import { isTimeZone } from './events/time.ts';

const port = z
  .string()
  .regex(/^\d{1,5}$/, 'must be a port number')
  .transform(Number)
  .refine((value) => value <= 65_535, 'must be at most 65535');

const timeZone = z.string().refine(isTimeZone, 'must be an IANA time zone such as Europe/Berlin');

const backendUrl = z.url({ protocol: /^https?$/, error: 'must be an http or https address' });

const environment = z.object({
  RUNLEDGER_HOST: z.string().min(1).default('127.0.0.1'),
  RUNLEDGER_PORT: port.default(17_801),
  RUNLEDGER_DATA: z.string().min(1).default('./data'),
  RUNLEDGER_SHARED: z.string().min(1).optional(),
  RUNLEDGER_STORE: z.string().refine(isStoreName, 'must be lmdb, lmdb:DIR or esdb://…').default('lmdb'),
  RUNLEDGER_TIMEZONE: timeZone.default('UTC'),
  RUNLEDGER_LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  RUNLEDGER_INSECURE: z.enum(['0', '1']).default('0'),
  RUNLEDGER_WORKFLOWS: z.string().min(1).optional(),
  RUNLEDGER_POLICY: z.string().min(1).optional(),
  RUNLEDGER_CONCURRENCY: z
    .string()
    .regex(/^[1-9]\d{0,2}$/, 'must be a whole number from 1 to 999')
    .transform(Number)
    .default(4),
  RUNLEDGER_EXPORT_HOURS: z
    .string()
    .regex(/^[1-9]\d{0,4}$/, 'must be a whole number from 1 to 99999')
    .transform(Number)
    .default(168),
  RUNLEDGER_LEASE_SECONDS: z
    .string()
    .regex(/^([1-9]\d?|[1-5]\d\d|600)$/, 'must be a whole number from 1 to 600')
    .transform(Number)
    .default(15),
  RUNLEDGER_CONTACT: z
    .string()
    .regex(/^\P{C}{1,200}$/u, 'must be one line of at most 200 characters')
    .optional(),
  OLLAMA_URL: backendUrl.optional(),
  COMFYUI_URL: backendUrl.optional(),
  OPENAI_URL: backendUrl.optional(),
  OPENROUTER_URL: backendUrl.default('https://openrouter.ai/api/v1'),
  OPENROUTER_API_KEY: z
    .string()
    .regex(/^[!-~]+$/, 'must be printable ASCII without spaces')
    .optional(),
});

export type Config = {
  readonly host: string;
  readonly port: number;
  /** The data directory: what is this node's own stands below it, and an embedded log. */
  readonly dataDirectory: string;
  /** What all nodes of a shared log see: keys, media and exports stand below it. The data directory where it is not set. */
  readonly sharedDirectory: string;
  /** The name of the event store (event-store/store-name.ts); may hold a password. */
  readonly store: string;
  readonly timeZone: string;
  readonly logLevel: z.infer<typeof environment>['RUNLEDGER_LOG_LEVEL'];
  /** Workflow documents in a folder; none where it is not set. */
  readonly workflowFolder: string | undefined;
  /** A policy document of the house's own; the bundled one where it is not set. */
  readonly policyFile: string | undefined;
  /** Runs that are executed at the same time; the others wait their turn. */
  readonly concurrency: number;
  /** So long the files of a bulk export are kept after it ended. */
  readonly exportHours: number;
  /** Where several services share a log: so long after a service was last heard of others take over what it worked at. */
  readonly leaseSeconds: number;
  /** Whom a person may turn to who objects to a decision; nobody is named where it is not set. */
  readonly contact: string | undefined;
  readonly backends: BackendAddresses;
};

/** Where models are. What is not set is not there: the built-in backend then serves, and says so. */
export type BackendAddresses = {
  readonly ollama: string | undefined;
  readonly comfyui: string | undefined;
  readonly openai: string | undefined;
  /** A key is what makes OpenRouter there. */
  readonly openrouter: { readonly url: string; readonly apiKey: string } | undefined;
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
    sharedDirectory: data.RUNLEDGER_SHARED ?? data.RUNLEDGER_DATA,
    store: data.RUNLEDGER_STORE,
    timeZone: data.RUNLEDGER_TIMEZONE,
    logLevel: data.RUNLEDGER_LOG_LEVEL,
    workflowFolder: data.RUNLEDGER_WORKFLOWS,
    policyFile: data.RUNLEDGER_POLICY,
    concurrency: data.RUNLEDGER_CONCURRENCY,
    exportHours: data.RUNLEDGER_EXPORT_HOURS,
    leaseSeconds: data.RUNLEDGER_LEASE_SECONDS,
    contact: data.RUNLEDGER_CONTACT,
    backends: {
      ollama: data.OLLAMA_URL,
      comfyui: data.COMFYUI_URL,
      openai: data.OPENAI_URL,
      openrouter:
        data.OPENROUTER_API_KEY === undefined
          ? undefined
          : { url: data.OPENROUTER_URL, apiKey: data.OPENROUTER_API_KEY },
    },
  };
}

import { BackendError, type Evidence, maxErrorBodyCharacters } from './backend-error.ts';

/** An answer that is no 2xx, or an error within a stream. */
export type ErrorAnswer = {
  /** The backend's name. */
  readonly backend: string;
  readonly status: number;
  /** The body as JSON, whole; undefined where it is none, or longer than {@link maxErrorBodyBytes}. */
  readonly json: unknown;
  readonly evidence: Evidence;
};

/** The most bytes of an error's body that are read. */
export const maxErrorBodyBytes = 65_536;

/** Statuses that say "later": the same request may then be taken. */
const busyStatuses: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/**
 * BACKEND_BUSY for 429, 502, 503 and 504, else BACKEND_FAILED for 5xx and BACKEND_REFUSED for the rest, with status and
 * machine code. The backend's own sentence stays in the evidence: backends quote the prompt in it.
 */
export function refusalOf({ backend, status, json, evidence }: ErrorAnswer): BackendError {
  if (busyStatuses.has(status)) return new BackendError('BACKEND_BUSY', { backend, status }, evidence);
  const code = machineCodeOf(json);
  const what = code === undefined || code === String(status) ? `HTTP ${status}` : `HTTP ${status} ${code}`;
  return new BackendError(status >= 500 ? 'BACKEND_FAILED' : 'BACKEND_REFUSED', { backend, what }, evidence);
}

/**
 * The name of the error in a body such as `{error: {message, type, code}}` or OpenRouter's, whose `code` is a number and
 * whose name is `metadata.error_type`; undefined where there is no name, but a sentence.
 */
export function machineCodeOf(json: unknown): string | undefined {
  const error = memberOf(json, 'error');
  const type = memberOf(memberOf(error, 'metadata'), 'error_type');
  const candidates = [type, memberOf(error, 'code'), memberOf(error, 'type')].flatMap((value) =>
    typeof value === 'number' || typeof value === 'string' ? String(value) : [],
  );
  const codes = candidates.filter((value) => codePattern.test(value));
  return codes.find((value) => !/^\d+$/.test(value)) ?? codes[0];
}

const codePattern = /^[A-Za-z0-9_.-]{1,64}$/;

const memberOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;

/** The text as JSON; undefined where it is none. */
export function jsonOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What an error's body leaves behind: at most 2,000 characters, the key blotted out, well-formed so that it can be kept. */
export const quoted = (body: string, apiKey?: string): string =>
  blotted(body, apiKey).slice(0, maxErrorBodyCharacters).toWellFormed();

/** The text without the key, as it is and as JSON writes it. */
export function blotted(text: string, apiKey: string | undefined): string {
  if (apiKey === undefined || apiKey === '') return text;
  return text.replaceAll(JSON.stringify(apiKey).slice(1, -1), '[key]').replaceAll(apiKey, '[key]');
}

/**
 * `Retry-After` in whole seconds, undefined where it is missing or means nothing. A date counts from the answer's own
 * `Date`, so that neither clock has to be right.
 */
export function retryAfterSeconds(header: (name: string) => string | undefined): number | undefined {
  const after = header('retry-after')?.trim() ?? '';
  if (/^\d{1,9}$/.test(after)) return Number(after);
  const [until, from] = [httpDate(after), httpDate(header('date') ?? '')];
  return until === undefined || from === undefined
    ? undefined
    : Math.max(0, Math.ceil((until - from) / 1_000));
}

/** Milliseconds since 1970. Only forms that name a day of the week first and GMT last are dates of HTTP. */
function httpDate(text: string): number | undefined {
  const time = /^[A-Z][a-z]+, .+ GMT$/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}

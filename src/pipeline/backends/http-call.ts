import { BackendError } from './backend-error.ts';
import type { HttpAnswer, HttpCall, HttpRequest } from './http-contract.ts';
import { HttpLine } from './http-line.ts';
import { quoted } from './http-refusal.ts';

/**
 * One request, one connection, one attempt: nothing is repeated, redirected or kept alive, so that no call meets a socket
 * that another left behind. `read` takes what it needs of the answer; when it returns or throws, the socket is closed,
 * whether all was read or not.
 *
 * Rejects with `signal.reason` once aborted, and with a BackendError otherwise: BACKEND_UNREACHABLE without a
 * connection; BACKEND_BUSY and BACKEND_REFUSED by status; TIMEOUT by the clocks of `timeouts`; BACKEND_FAILED where the
 * connection breaks or the answer is too long; BACKEND_INTERRUPTED where it breaks or stalls after content (see
 * `partialText`). What `read` itself throws passes through.
 */
export async function exchange<T>(
  call: HttpCall,
  request: HttpRequest,
  signal: AbortSignal,
  read: (answer: HttpAnswer) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const line = new HttpLine(call, signal);
  try {
    const answer = await line.ask(request);
    if (answer.status < 200 || answer.status > 299) throw await line.refusal(answer);
    return await read(answer);
  } finally {
    line.close();
  }
}

export const postJson = <T>(
  call: HttpCall,
  body: unknown,
  signal: AbortSignal,
  read: (answer: HttpAnswer) => Promise<T>,
): Promise<T> => {
  const bytes = new TextEncoder().encode(JSON.stringify(body));
  return exchange(call, { method: 'POST', body: { bytes, type: 'application/json' } }, signal, read);
};

/** A JSON answer, parsed. One that is no JSON is BACKEND_FAILED, its beginning in the evidence. */
export const getJson = (call: HttpCall, signal: AbortSignal): Promise<unknown> =>
  exchange(call, { method: 'GET' }, signal, (answer) => readJson(call, answer));

export const getBytes = (call: HttpCall, signal: AbortSignal): Promise<Uint8Array> =>
  exchange(call, { method: 'GET' }, signal, readBytes);

/** A reader for {@link exchange}: the whole body. */
export async function readBytes({ bytes }: HttpAnswer): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of bytes) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** A reader for {@link exchange}: the whole body as JSON; BACKEND_FAILED where it is none. */
export async function readJson(call: HttpCall, answer: HttpAnswer): Promise<unknown> {
  const text = new TextDecoder().decode(await readBytes(answer));
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message quotes the text, which may quote the prompt: the evidence has it instead.
    const what = 'an answer that is no JSON';
    const evidence = { status: answer.status, body: quoted(text, call.apiKey) };
    throw new BackendError('BACKEND_FAILED', { backend: call.backend, what }, evidence);
  }
}

/** A header that may be kept: undefined unless it is a token, since headers may hold anything. */
export function tokenHeader({ header }: Pick<HttpAnswer, 'header'>, name: string): string | undefined {
  const value = header(name);
  return value !== undefined && /^[A-Za-z0-9_.:/@+-]{1,128}$/.test(value) ? value : undefined;
}

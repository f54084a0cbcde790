import type { Readable } from 'node:stream';
import { Client } from 'undici';
import { BackendError } from './backend-error.ts';
import { brokenAnswer, partOf } from './broken-answer.ts';
import type { HttpAnswer, HttpCall, HttpRequest } from './http-contract.ts';
import {
  blotted,
  jsonOrNothing,
  maxErrorBodyBytes,
  quoted,
  refusalOf,
  retryAfterSeconds,
} from './http-refusal.ts';
import type { Timeouts } from './timeouts.ts';

/** One connection and its clocks. Whatever ends it early is told once, and is what all waiting then throws. */
export class HttpLine {
  readonly #call: HttpCall;
  readonly #signal: AbortSignal;
  readonly #url: URL;
  readonly #client: Client;
  #isConnected = false;
  #ended: { readonly why: unknown } | undefined;
  #wait: NodeJS.Timeout | undefined;
  #total: NodeJS.Timeout | undefined;

  constructor(call: HttpCall, signal: AbortSignal) {
    this.#call = call;
    this.#signal = signal;
    this.#url = new URL(call.url);
    this.#client = new Client(this.#url.origin, {
      connect: { timeout: call.timeouts.connectMs },
      // Ours, below: undici's tick only once a second, and know nothing of content.
      headersTimeout: 0,
      bodyTimeout: 0,
      // "Connection: close".
      pipelining: 0,
    });
    this.#client.once('connect', () => {
      this.#isConnected = true;
      this.#wait = this.#timer('firstByteMs', () => this.#timeout('firstByteMs'));
    });
    signal.addEventListener('abort', this.#abort, { once: true });
  }

  readonly #abort = (): void => this.#end(this.#signal.reason);

  #timer(limit: keyof Timeouts, late: () => BackendError): NodeJS.Timeout {
    return setTimeout(() => this.#end(late()), this.#call.timeouts[limit]);
  }

  #timeout(limit: keyof typeof waits): BackendError {
    const { backend, timeouts } = this.#call;
    const params = { what: waits[limit](backend), timeoutMs: timeouts[limit] };
    return new BackendError('TIMEOUT', params, partOf(this.#call));
  }

  /** A pause after content is an answer that broke off; before, it is a wait that took too long. */
  #stalled(): BackendError {
    return partOf(this.#call).partialText === undefined
      ? this.#timeout('idleMs')
      : brokenAnswer(this.#call, `nothing more within ${this.#call.timeouts.idleMs} ms`);
  }

  #end(why: unknown): void {
    this.#ended ??= { why };
    // The client takes the socket with it, and rejects what waits for it.
    this.#client.destroy(() => undefined);
  }

  close(): void {
    this.#signal.removeEventListener('abort', this.#abort);
    clearTimeout(this.#wait);
    clearTimeout(this.#total);
    this.#end(new TypeError('the answer is read after its reader returned'));
  }

  async ask({ method, body }: HttpRequest): Promise<HttpAnswer> {
    const { headers, apiKey } = this.#call;
    try {
      const response = await this.#client.request({
        method,
        path: this.#url.pathname + this.#url.search,
        headers: {
          ...headers,
          ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
          ...(body === undefined ? {} : { 'content-type': body.type }),
        },
        body: body?.bytes ?? null,
      });
      // Destroyed unread, it emits an error that is nobody's: what ended the call is told by the call.
      response.body.on('error', () => undefined);
      return {
        status: response.statusCode,
        header: (name) => [response.headers[name] ?? []].flat()[0],
        bytes: this.#received(response.body),
      };
    } catch (error) {
      throw this.#fault(error);
    }
  }

  async *#received(body: Readable): AsyncGenerator<Uint8Array> {
    const pieces: AsyncIterator<Uint8Array> = body[Symbol.asyncIterator]();
    let sizeBytes = 0;
    for (;;) {
      const next = await this.#next(pieces);
      if (next.done === true) return;
      sizeBytes += next.value.byteLength;
      if (sizeBytes > this.#call.maxAnswerBytes) {
        const what = `an answer of more than ${this.#call.maxAnswerBytes} bytes`;
        throw new BackendError('BACKEND_FAILED', { backend: this.#call.backend, what });
      }
      yield next.value;
    }
  }

  /** The clock of the next piece runs only while somebody waits for it. */
  async #next(pieces: AsyncIterator<Uint8Array>): Promise<IteratorResult<Uint8Array>> {
    if (this.#total !== undefined) this.#wait = this.#timer('idleMs', () => this.#stalled());
    try {
      const next = await pieces.next();
      this.#total ??= this.#timer('totalMs', () => this.#timeout('totalMs'));
      return next;
    } catch (error) {
      throw this.#fault(error);
    } finally {
      clearTimeout(this.#wait);
    }
  }

  /** What really went wrong where undici says that something did. */
  #fault(error: unknown): unknown {
    if (this.#ended !== undefined) return this.#ended.why;
    const { backend, timeouts } = this.#call;
    const code = codeOf(error);
    const cause = withoutData(error);
    if (this.#isConnected) {
      const told = /^E[A-Z]+$/.test(code) ? ` (${code})` : '';
      return brokenAnswer(this.#call, `the connection broke${told}`, { cause });
    }
    const what = code === 'UND_ERR_CONNECT_TIMEOUT' ? `no connection within ${timeouts.connectMs} ms` : code;
    return new BackendError('BACKEND_UNREACHABLE', { backend, what }, {}, { cause });
  }

  /** The error of an answer that is no 2xx, whatever becomes of its body. */
  async refusal({ status, header, bytes }: HttpAnswer): Promise<BackendError> {
    const { backend, apiKey } = this.#call;
    const pieces: Uint8Array[] = [];
    let sizeBytes = 0;
    try {
      for await (const piece of bytes) {
        pieces.push(piece);
        sizeBytes += piece.byteLength;
        if (sizeBytes > maxErrorBodyBytes) break;
      }
    } catch (error) {
      // The status says enough; only the caller's own end of the call is worth more.
      if (this.#signal.aborted) throw error;
    }
    const whole = new TextDecoder().decode(Buffer.concat(pieces).subarray(0, maxErrorBodyBytes));
    const text = blotted(whole, apiKey);
    const evidence = {
      status,
      body: quoted(text),
      retryAfterSeconds: retryAfterSeconds(header),
    };
    const answer = { backend, status, json: jsonOrNothing(text), evidence };
    return this.#call.refusal?.(answer) ?? refusalOf(answer);
  }
}

const waits = {
  firstByteMs: (backend: string) => `Waiting for the first byte of ${backend}`,
  idleMs: (backend: string) => `Waiting for more of the answer of ${backend}`,
  totalMs: (backend: string) => `The whole answer of ${backend}`,
} as const;

function codeOf(error: unknown): string {
  const code = (error as { readonly code?: unknown } | null)?.code;
  if (typeof code === 'string') return code;
  return error instanceof Error ? error.name : 'unknown';
}

/** undici's parser errors carry the bytes they choked on, which loggers would print. */
const withoutData = (error: unknown): unknown =>
  error instanceof Error && 'data' in error ? new Error(codeOf(error)) : error;

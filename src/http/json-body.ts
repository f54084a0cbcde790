import type { FastifyInstance } from 'fastify';
import { parse as parseStrictly } from 'lossless-json';
import { LedgerError, type PointedDetail } from '../errors.ts';

/** The largest request body: room for one append of 900 KiB in JSON's escapes. */
export const maxBodyBytes = 4 * 1024 * 1024;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Takes JSON bodies only, and only those that have one meaning: well-formed UTF-8, no key twice, no number that a
 * reader would round. What violates this is 400 before any schema looks at it.
 */
export function acceptJsonOnly(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<Buffer>(
    'application/json',
    { parseAs: 'buffer' },
    async (_request: unknown, body: Buffer) => parseBody(body),
  );
}

/** A request body as a value. Throws INVALID_REQUEST. */
export function parseBody(body: Uint8Array): unknown {
  let text: string;
  try {
    text = utf8.decode(body);
  } catch (cause) {
    throw new LedgerError(
      'INVALID_REQUEST',
      { what: 'The body is not well-formed UTF-8', cure: 'encode the JSON as UTF-8' },
      { cause },
    );
  }
  try {
    // The strict parser says whether the text has one meaning; the value comes from JSON.parse, which alone keeps a
    // key "__proto__" visible, so that it can be refused by name.
    parseStrictly(text, null, { parseNumber: exactNumber, onDuplicateKey: refuseDuplicate });
    return JSON.parse(text);
  } catch (cause) {
    if (cause instanceof LedgerError) throw cause;
    const why = cause instanceof SyntaxError ? cause.message : 'it is nested too deep';
    throw new LedgerError(
      'INVALID_REQUEST',
      { what: `The body is no JSON (${why})`, cure: 'send one JSON value' },
      { cause },
    );
  }
}

function exactNumber(digits: string): number {
  const value = Number(digits);
  if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value))) {
    refuse(`The number ${digits.slice(0, 40)} would be rounded by readers`, 'send it as a string', {
      pointer: '',
      detail: `holds ${digits.slice(0, 40)}`,
    });
  }
  return value;
}

function refuseDuplicate({ key }: { readonly key: string }): never {
  const shown = key.slice(0, 80);
  refuse(`The key "${shown}" stands twice in one object`, 'send each key once', {
    pointer: '',
    detail: `has "${shown}" twice`,
  });
}

function refuse(what: string, cure: string, error: PointedDetail): never {
  throw new LedgerError('INVALID_REQUEST', { what, cure }, { errors: [error] });
}

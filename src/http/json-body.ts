import type { FastifyInstance } from 'fastify';
import { LedgerError } from '../errors.ts';
import { findUnrecordable } from '../events/recordable.ts';
import { parseSource } from '../import/source-json.ts';

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

/** A request body as a value. Throws INVALID_JSON, and UNRECORDABLE with the place of what cannot be kept. */
export function parseBody(body: Uint8Array): unknown {
  const value = parseSource(textOf(body), 'refuse');
  // Before any schema: zod drops reserved keys silently.
  const found = findUnrecordable(value);
  if (found) throw new LedgerError('UNRECORDABLE', found, { errors: [found] });
  return value;
}

/** A body's text. Throws INVALID_JSON for bytes that are no UTF-8. */
export function textOf(body: Uint8Array): string {
  try {
    return utf8.decode(body);
  } catch (cause) {
    throw new LedgerError('INVALID_JSON', { why: 'its bytes are no well-formed UTF-8' }, { cause });
  }
}

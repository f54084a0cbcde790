import type { IncomingHttpHeaders } from 'node:http';
import { LedgerError } from '../errors.ts';

/** Does an `If-None-Match` name this version? Then its reader has it already. */
export function namesVersion(header: string | undefined, version: number): boolean {
  if (header === undefined) return false;
  return header
    .split(',')
    .some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === `"${version}"`);
}

/** The version that an `If-Match` names; undefined without one. Throws INVALID_REQUEST for anything but `"<version>"`. */
export function versionIn(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const match = /^"(\d{1,9})"$/.exec(header.trim());
  if (!match) {
    throw new LedgerError('INVALID_REQUEST', {
      what: `If-Match is ${header.slice(0, 40)}`,
      cure: 'send "<version>"',
    });
  }
  return Number(match[1]);
}

/**
 * What a write that must know what it changes expects to find: a version, or nothing (`If-None-Match: *`). Throws
 * PRECONDITION_REQUIRED without either, INVALID_REQUEST for both and for other forms.
 */
export function expectedBy({
  'if-match': match,
  'if-none-match': noneMatch,
}: IncomingHttpHeaders): number | 'none' {
  const version = versionIn(match);
  if (noneMatch === undefined) {
    if (version !== undefined) return version;
    const cure = 'send If-Match: "<version>", or If-None-Match: * to create';
    throw new LedgerError('PRECONDITION_REQUIRED', { cure });
  }
  if (version !== undefined || noneMatch.trim() !== '*') {
    throw new LedgerError('INVALID_REQUEST', {
      what: `If-None-Match is ${noneMatch.slice(0, 40)}${version === undefined ? '' : ', beside an If-Match'}`,
      cure: 'send If-None-Match: * alone to create, or If-Match: "<version>" to change',
    });
  }
  return 'none';
}

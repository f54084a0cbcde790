import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { LedgerError } from '../errors.ts';

/** Where a log is, once its name was read. */
export type StoreName =
  | { readonly kind: 'lmdb' /** Holds the log itself. */; readonly directory: string }
  | { readonly kind: 'eventstoredb'; readonly connectionString: string };

const grammar = /^(?:lmdb|lmdb:(?<place>.+)|(?<server>esdb(?:\+discover)?:\/\/.+))$/s;
const cure =
  'write lmdb for the log of the data directory, lmdb:DIR for one elsewhere, or esdb://… for a server';

/** Has the text the form of a store's name? */
export const isStoreName = (text: string): boolean => grammar.test(text);

/** Is the log that the name chooses one of this process alone, which locks it? */
export const isEmbedded = (text: string): boolean => /^lmdb(:|$)/.test(text);

/**
 * Reads the name of an event store: `lmdb`, the log of the data directory; `lmdb:DIR`, the log that stands in DIR itself,
 * and where none does the one of DIR as a data directory (`DIR/log`); `esdb://…` and `esdb+discover://…`, a server. Throws
 * UNKNOWN_STORE for anything else.
 */
export function parseStoreName(store: string, dataDirectory: string): StoreName {
  const named = grammar.exec(store);
  if (named === null) throw new LedgerError('UNKNOWN_STORE', { store: shownStoreName(store), cure });
  const { place, server } = named.groups ?? {};
  if (server !== undefined) return { kind: 'eventstoredb', connectionString: server };
  return { kind: 'lmdb', directory: place === undefined ? join(dataDirectory, 'log') : logIn(place) };
}

/** The name of a store as it may be shown to anybody: without the password of a server. */
export function shownStoreName(store: string): string {
  if (isEmbedded(store)) return store;
  // Up to the last @: a password that was not escaped may hold one, and rather too much is hidden than too little.
  return store.replace(/^((?:[^:]*:\/\/)?[^:@]*):(?!\/\/).*@/s, '$1:…@');
}

const logIn = (place: string): string => (existsSync(join(place, 'data.mdb')) ? place : join(place, 'log'));

import { Buffer } from 'node:buffer';

/** Any JSON value, as `JSON.parse` gives it. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export type JsonObject = { readonly [key: string]: Json };

/**
 * RFC 8785: the one canonical text of a JSON value. These bytes are what is hashed, stored and exported, so nothing
 * may ever re-serialise them. Members that are `undefined` are left out; a value JSON cannot carry is a programmer's
 * error here, because `findUnrecordable` refused it at the border.
 */
export function canonicalText(value: unknown): string {
  if (value === null || value === true || value === false) return String(value);
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`JSON has no number ${value}`);
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(',')}]`;
  if (typeof value !== 'object') throw new TypeError(`JSON has no ${typeof value}`);
  return canonicalObject(value as Record<string, unknown>);
}

/** UTF-8 bytes of {@link canonicalText}. */
export function canonicalBytes(value: unknown): Buffer {
  return Buffer.from(canonicalText(value), 'utf8');
}

function canonicalObject(object: Record<string, unknown>): string {
  // The default sort compares UTF-16 code units, which is the order RFC 8785 asks for.
  const keys = Object.keys(object).sort();
  let text = '';
  for (const key of keys) {
    const value = object[key];
    if (value === undefined) continue;
    text += `${text === '' ? '' : ','}${quoted(key)}:${canonicalText(value)}`;
  }
  return `{${text}}`;
}

function quoted(text: string): string {
  // JSON.stringify escapes exactly what RFC 8785 escapes, save lone surrogates, which no UTF-8 can carry.
  if (!text.isWellFormed()) throw new TypeError('JSON text must not have lone surrogates');
  return JSON.stringify(text);
}

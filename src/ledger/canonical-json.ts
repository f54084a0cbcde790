import { TextDecoder } from 'node:util';
import { canonicalText } from '../events/canonical.ts';

/**
 * Reads JSON that is written as RFC 8785 writes it, and undefined for everything else: another order, a blank, a doubled
 * member, a number in another spelling, half of a surrogate pair. So no two texts mean the same.
 */
export function readCanonical(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return canonicalText(value) === text ? value : undefined;
  } catch (error) {
    // No JSON, no text that can be written canonically, or nested deeper than anything is read.
    if (error instanceof SyntaxError || error instanceof TypeError || error instanceof RangeError)
      return undefined;
    throw error;
  }
}

/** The text of UTF-8 bytes; undefined where they are none, and a byte order mark is a character like any other. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/** Is it an object of JSON, neither an array nor null? */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

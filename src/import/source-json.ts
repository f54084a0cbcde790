import { LosslessNumber, parse } from 'lossless-json';
import { LedgerError } from '../errors.ts';
import { maxDepth } from '../events/recordable.ts';

/**
 * Reads JSON text so that nothing is rounded and nothing is chosen: an object with the same key twice is refused, and
 * numbers that a double would change come as {@link LosslessNumber}, or are refused too. Throws INVALID_JSON.
 */
export function parseSource(text: string, inexact: 'keep' | 'refuse' = 'keep'): unknown {
  const json = text.startsWith('\uFEFF') ? text.slice(1) : text;
  const value = parsed(json, inexact);
  if (keysOfText(json) !== keysOfValue(value)) {
    throw new LedgerError('INVALID_JSON', { why: 'an object has the same key twice, or the key __proto__' });
  }
  return value;
}

/** A change that was needed to keep a value: where (RFC 6901 pointer), and what was done. */
export type Repair = { readonly rule: string; readonly pointer: string; readonly detail: string };

/**
 * The value as it can be kept for ever: lone surrogates become U+FFFD, integers beyond ±(2⁵³−1) and numbers too large
 * for a double become their digits as text. Each change is in `repairs`. What is nested too deep is left as it is, for
 * `findUnrecordable` to refuse.
 */
export function repairSource(source: unknown): {
  readonly value: unknown;
  readonly repairs: readonly Repair[];
} {
  const repairs: Repair[] = [];
  const note = (rule: string, pointer: string, detail: string): void =>
    void repairs.push({ rule, pointer, detail });
  const repaired = (value: unknown, pointer: string, depth: number): unknown => {
    if (typeof value === 'string') return repairedText(value, pointer);
    if (typeof value === 'number' && !isExact(value)) return asText(String(value), pointer);
    if (value instanceof LosslessNumber) return asText(value.value, pointer);
    if (typeof value !== 'object' || value === null || depth > maxDepth) return value;
    if (Array.isArray(value)) return value.map((member, i) => repaired(member, `${pointer}/${i}`, depth + 1));
    const entries = Object.entries(value).map(([key, member]) => {
      const place = `${pointer}/${key.toWellFormed().replaceAll('~', '~0').replaceAll('/', '~1')}`;
      return [repairedText(key, place), repaired(member, place, depth + 1)] as const;
    });
    const object = Object.fromEntries(entries);
    // Two keys that become one by the repair: left as they are, which is refused, because one of the two would be lost.
    return Object.keys(object).length === entries.length ? object : value;
  };
  const repairedText = (text: string, pointer: string): string => {
    if (text.isWellFormed()) return text;
    note('text_repaired', pointer, 'had a lone surrogate, which no UTF-8 can carry; it is kept as U+FFFD');
    return text.toWellFormed();
  };
  const asText = (digits: string, pointer: string): string => {
    note('integer_as_text', pointer, 'is a number that readers would round; its digits are kept as text');
    return digits;
  };
  return { value: repaired(source, '', 1), repairs };
}

const isExact = (value: number): boolean =>
  Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));

function parsed(text: string, inexact: 'keep' | 'refuse'): unknown {
  const parseNumber = (digits: string): unknown => {
    const value = Number(digits);
    if (isExact(value)) return value;
    if (inexact === 'keep') return new LosslessNumber(digits);
    const shown = digits.slice(0, 40);
    throw new LedgerError('INVALID_JSON', {
      why: `readers would round the number ${shown}: send it as text`,
    });
  };
  try {
    return parse(text, undefined, { parseNumber });
  } catch (cause) {
    if (cause instanceof SyntaxError)
      throw new LedgerError('INVALID_JSON', { why: cause.message }, { cause });
    // The parser recurses: only nesting far deeper than anything recordable exhausts the stack.
    if (cause instanceof RangeError)
      throw new LedgerError('INVALID_JSON', { why: 'nested too deep' }, { cause });
    throw cause;
  }
}

/** The parser lets a repeated key pass where both values are equal, so keys are counted in the text and in the value. */
function keysOfText(json: string): number {
  let keys = 0;
  for (const [, colon] of json.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?/gs)) {
    if (colon !== undefined) keys += 1;
  }
  return keys;
}

function keysOfValue(value: unknown): number {
  let keys = 0;
  const rest: unknown[] = [value];
  while (rest.length > 0) {
    const next = rest.pop();
    if (typeof next !== 'object' || next === null || next instanceof LosslessNumber) continue;
    if (!Array.isArray(next)) keys += Object.keys(next).length;
    for (const member of Object.values(next)) rest.push(member);
  }
  return keys;
}

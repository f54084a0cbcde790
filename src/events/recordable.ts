import type { PointedDetail } from '../errors.ts';

/** The deepest nesting of a recorded value. */
export const maxDepth = 32;

const forbiddenKeys = new Set(['__proto__', 'constructor']);

/**
 * Finds what in a parsed JSON value cannot be recorded for ever with one meaning (log.md §1, "Bytes"): lone surrogates,
 * numbers that are not finite, integers beyond ±(2⁵³−1), prototype keys, nesting deeper than 32. Undefined members
 * count as absent. Returns the first place, or undefined where all is well.
 */
export function findUnrecordable(value: unknown, pointer = '', depth = 1): PointedDetail | undefined {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed()
        ? undefined
        : { pointer, detail: 'has a lone surrogate: send well-formed Unicode text' };
    case 'number':
      return unrecordableNumber(value, pointer);
    case 'boolean':
    case 'undefined':
      return undefined;
    case 'object':
      return value === null ? undefined : findInContainer(value, pointer, depth);
    default:
      return { pointer, detail: `is a ${typeof value}, which JSON does not have` };
  }
}

function unrecordableNumber(value: number, pointer: string): PointedDetail | undefined {
  if (!Number.isFinite(value)) return { pointer, detail: 'is not a finite number' };
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    return {
      pointer,
      detail: 'is an integer beyond ±(2^53−1), which readers would round: send it as a string',
    };
  }
  return undefined;
}

function findInContainer(value: object, pointer: string, depth: number): PointedDetail | undefined {
  if (depth > maxDepth) return { pointer, detail: `is nested deeper than ${maxDepth} levels: flatten it` };
  if (Array.isArray(value)) {
    for (const [index, member] of value.entries()) {
      const found = findUnrecordable(member, `${pointer}/${index}`, depth + 1);
      if (found) return found;
    }
    return undefined;
  }
  for (const key of Object.keys(value)) {
    const place = `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    if (forbiddenKeys.has(key)) return { pointer: place, detail: 'is a reserved key: rename it' };
    if (!key.isWellFormed())
      return { pointer, detail: 'has a key with a lone surrogate: send well-formed text' };
    const found = findUnrecordable((value as Record<string, unknown>)[key], place, depth + 1);
    if (found) return found;
  }
  return undefined;
}

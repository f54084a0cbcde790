import type { PointedDetail } from '../errors.ts';

/** The deepest nesting of a recorded value. */
export const maxDepth = 32;

const forbiddenKeys = new Set(['__proto__', 'constructor']);

/**
 * Finds what in a parsed JSON value cannot be recorded for ever with one meaning (log.md §1, "Bytes"): lone surrogates,
 * numbers that are not finite, integers beyond ±(2⁵³−1), prototype keys, nesting deeper than 32. Undefined members
 * count as absent. Returns the first place, or undefined where all is well.
 */
export function findUnrecordable(value: unknown, depth = 1): PointedDetail | undefined {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed() ? undefined : here('has a lone surrogate: send well-formed Unicode text');
    case 'number':
      return unrecordableNumber(value);
    case 'boolean':
    case 'undefined':
      return undefined;
    case 'object':
      return value === null ? undefined : findInContainer(value, depth);
    default:
      return here(`is a ${typeof value}, which JSON does not have`);
  }
}

const here = (detail: string): PointedDetail => ({ pointer: '', detail });

/** The pointer is built on the way back: nearly always there is nothing to point at. */
const below = (step: string | number, found: PointedDetail): PointedDetail => ({
  pointer: `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}${found.pointer}`,
  detail: found.detail,
});

function unrecordableNumber(value: number): PointedDetail | undefined {
  if (!Number.isFinite(value)) return here('is not a finite number');
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    return here('is an integer beyond ±(2^53−1), which readers would round: send it as a string');
  }
  return undefined;
}

function findInContainer(value: object, depth: number): PointedDetail | undefined {
  if (depth > maxDepth) return here(`is nested deeper than ${maxDepth} levels: flatten it`);
  if (Array.isArray(value)) {
    for (const [index, member] of value.entries()) {
      const found = findUnrecordable(member, depth + 1);
      if (found) return below(index, found);
    }
    return undefined;
  }
  for (const key of Object.keys(value)) {
    if (forbiddenKeys.has(key)) return below(key, here('is a reserved key: rename it'));
    if (!key.isWellFormed()) return here('has a key with a lone surrogate: send well-formed text');
    const found = findUnrecordable((value as Record<string, unknown>)[key], depth + 1);
    if (found) return below(key, found);
  }
  return undefined;
}

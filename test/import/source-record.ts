import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(import.meta.dirname, '../fixtures/records');

/** The text of every old record among the fixtures, by its file name. */
export const fixtureTexts: ReadonlyMap<string, string> = new Map(
  readdirSync(folder).map((file) => [file.replace('.json', ''), readFileSync(join(folder, file), 'utf8')]),
);

export function fixtureText(name: string): string {
  const text = fixtureTexts.get(name);
  if (text === undefined) throw new Error(`no fixture ${name}`);
  return text;
}

type Place = { readonly path: string; readonly value: unknown };

/**
 * Every leaf of the source that the record does not give back: equal at its place, or under `source` of the record or of
 * its item. Times are compared as instants.
 */
export function missingMembers(source: unknown, record: unknown): readonly Place[] {
  const missing: Place[] = [];
  const walk = (value: unknown, path: readonly string[]): void => {
    const isItem = path[0] === 'items' && path.length === 2;
    if (typeof value === 'object' && value !== null && (isItem || Object.keys(value).length > 0)) {
      for (const [key, member] of Object.entries(value)) walk(member, [...path, key]);
      return;
    }
    const moved =
      path[0] === 'items' ? [...path.slice(0, 2), 'source', ...path.slice(2)] : ['source', ...path];
    if (same(value, at(record, path)) || same(value, at(record, moved))) return;
    missing.push({ path: path.join('.'), value });
  };
  walk(source, []);
  return missing;
}

export function at(value: unknown, path: readonly (string | number)[]): unknown {
  let found = value;
  for (const key of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return undefined;
    found = (found as Record<string | number, unknown>)[key];
  }
  return found;
}

function same(a: unknown, b: unknown): boolean {
  // Integers that readers would round come back as their digits.
  if (Number.isInteger(a) && !Number.isSafeInteger(a)) return String(a) === b;
  // An object without members has none to lose; a renamed member may have come into it.
  if (JSON.stringify(a) === '{}') return typeof b === 'object' && b !== null && !Array.isArray(b);
  return JSON.stringify(a) === JSON.stringify(b) || (instant(a) !== undefined && instant(a) === instant(b));
}

/** Nothing in the fixtures is finer than a microsecond, and without a zone they mean UTC. */
function instant(value: unknown): string | undefined {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?Z?$/.exec(
    typeof value === 'string' ? value : '',
  );
  return match ? `${match[1]}.${(match[2] ?? '').padEnd(9, '0')}` : undefined;
}

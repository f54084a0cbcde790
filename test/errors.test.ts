import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { errorTable } from '../src/error-table.ts';

const codes = Object.keys(errorTable) as (keyof typeof errorTable)[];
const folder = import.meta.dirname;

const textsBelow = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.includes('node_modules'))
    .map((file) => readFileSync(join(directory, file), 'utf8'));

const tests = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && file !== 'errors.test.ts' && !file.includes('node_modules'))
  .map((file) => readFileSync(join(folder, file), 'utf8'));
const sources = textsBelow(join(folder, '../src'));

describe('every error code', () => {
  test.each(codes)('%s is provoked by a test', (code) => {
    expect(tests.some((text) => new RegExp(`\\b${code}\\b`).test(text))).toBe(true);
  });

  test('is thrown somewhere', () => {
    const silent = codes.filter(
      (code) =>
        !sources.some((text) => new RegExp(`(Ledger|Backend)Error(<[^>]*>)?\\(\\s*'${code}'`).test(text)),
    );
    expect(silent).toEqual([]);
  });

  test('says what is true and what to do in one sentence', () => {
    // Parameters that stand for themselves: a number, a text and a list at once.
    const params = new Proxy({}, { get: () => Object.assign(['…'], { toString: () => '…' }) });
    for (const code of codes) {
      const sentence = (errorTable[code].detail as (p: unknown) => string)(params);
      expect(sentence, code).toMatch(/\.$/);
    }
  });

  test('stands in docs/errors.md with its status, its title, whether to try again, and a cure', () => {
    const rows = readFileSync(join(folder, '../docs/errors.md'), 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .map((line) =>
        line
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim()),
      );
    expect(rows.map(([code, status, title, again]) => [code, status, title, again])).toEqual(
      codes.map((code) => {
        const { status, title, retryable } = errorTable[code];
        return [`\`${code}\``, String(status), title, retryable ? 'yes' : 'no'];
      }),
    );
    for (const [code, , , , cure = ''] of rows) expect(cure.length, code).toBeGreaterThan(10);
  });
});

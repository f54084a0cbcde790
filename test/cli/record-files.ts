import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const fixture = readFileSync(
  join(import.meta.dirname, '../fixtures/records/exec_20251103_205239_896e054c.json'),
  'utf8',
);
const template = JSON.parse(fixture) as Readonly<Record<string, unknown>>;

export const recordText = (executionId: string, changes: object = {}): string =>
  JSON.stringify({ ...template, execution_id: executionId, ...changes });

export const recordId = (number: number): string =>
  `exec_20251103_000000_${number.toString(16).padStart(8, '0')}`;

/** Writes `count` sound records into a folder with folders. */
export function writeRecords(folder: string, count: number): void {
  for (let number = 0; number < count; number += 1) {
    const place = join(folder, `day-${number % 3}`);
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, `${recordId(number)}.json`), recordText(recordId(number)));
  }
}

/** Files that cannot be taken, by name, each with words of the reason that is told. */
export const brokenFiles: Readonly<Record<string, readonly [content: string | Uint8Array, reason: RegExp]>> =
  {
    'binary.json': [Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0xff, 0xfe, 0x00), /no JSON in UTF-8/],
    'cut-short.json': [recordText(recordId(9001)).slice(0, 300), /no JSON/],
    'empty.json': ['', /no JSON/],
    'another-record.json': [recordText(recordId(1), { config_name: 'bauhaus' }), /another record/],
    'array.json': ['[1, 2]', /object/],
    'bad-id.json': [recordText('../../etc/passwd'), /execution_id/],
    'key-twice.json': [
      recordText(recordId(9002)).replace('"config_name"', '"execution_mode":"eco","config_name"'),
      /same key twice|[Dd]uplicate/,
    ],
    'no-items.json': [recordText(recordId(9003), { items: undefined }), /items/],
    'number.json': ['42', /object/],
  };

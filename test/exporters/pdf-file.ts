import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Is a program of this machine there? Tests that need one say so in their titles, and are skipped without it. */
export const has = (program: string): boolean => spawnSync(program, ['--version']).error === undefined;

/** What a program says of a PDF; `{}` in its arguments is the file. Throws where it ends with a fault. */
export function told(pdf: Uint8Array, program: string, args: readonly string[]): string {
  return inFile(pdf, (file) =>
    ran(
      program,
      args.map((arg) => (arg === '{}' ? file : arg)),
    ),
  );
}

const ran = (program: string, args: readonly string[]): string =>
  execFileSync(program, args, {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'ignore'],
  });

/** The text of all pages in the order of their content, without white space and without the footers. */
export function wordsOf(pdf: Uint8Array, executionId: string): string {
  const footer = new RegExp(`${executionId}\\s+\\d+ / \\d+\\s`, 'gu');
  return squeezed(told(pdf, 'pdftotext', ['-raw', '-enc', 'UTF-8', '{}', '-']).replace(footer, ' '));
}

/** Without white space, and without the marks of direction that pdftotext adds. */
export const squeezed = (text: string): string =>
  text.normalize('NFC').replaceAll(/[\s\u202a-\u202e\u2066-\u2069]+/gu, '');

/** The files inside, by their names. */
export function attachmentsOf(pdf: Uint8Array): ReadonlyMap<string, Buffer> {
  return inFile(pdf, (file, folder) => {
    const names = told(pdf, 'pdfdetach', ['-list', '{}'])
      .split('\n')
      .flatMap((line) => /^\d+: (?<name>.*)$/u.exec(line)?.groups?.['name'] ?? []);
    return new Map(
      names.map((name, index) => {
        const target = join(folder, String(index));
        ran('pdfdetach', ['-save', String(index + 1), '-o', target, file]);
        return [name, readFileSync(target)] as const;
      }),
    );
  });
}

/** Every object of the file as text, with the streams unpacked. */
export function objectsOf(pdf: Uint8Array): string {
  return inFile(pdf, (file, folder) => {
    const target = join(folder, 'plain.pdf');
    ran('qpdf', ['--qdf', '--object-streams=disable', file, target]);
    return readFileSync(target, 'latin1');
  });
}

function inFile<T>(pdf: Uint8Array, use: (file: string, folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'runledger-pdf-'));
  try {
    const file = join(folder, 'run.pdf');
    writeFileSync(file, pdf);
    return use(file, folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

import { LedgerError } from '../errors.ts';
import type { Answer } from './client.ts';

type Problem = { readonly detail?: string; readonly error?: string; readonly title?: string };

/** The answer's JSON; a refusal becomes an error with the problem's own sentence. */
export function jsonOf(answer: Answer): unknown {
  if (answer.status < 400) return JSON.parse(answer.text);
  throw new RefusedByService(problemText(answer));
}

/** The service refused; its sentence already says what, why and what to do. */
export class RefusedByService extends Error {}

function problemText(answer: Answer): string {
  try {
    const problem = JSON.parse(answer.text) as Problem;
    return problem.detail ?? problem.error ?? problem.title ?? `HTTP ${answer.status}`;
  } catch {
    // Not ours: something else answered at that address.
    return `HTTP ${answer.status}, and no answer of a ledger`;
  }
}

export const print = (text: string): void => void process.stdout.write(`${text}\n`);
export const complain = (text: string): void => void process.stderr.write(`${text}\n`);

/** One sentence for a person, whatever was thrown. */
export function sentenceOf(error: unknown): string {
  if (error instanceof LedgerError || error instanceof RefusedByService) return error.message;
  if (!(error instanceof Error)) return String(error);
  // The system's own words name the file and what is wrong with it; anything else is a defect of ours.
  return 'syscall' in error ? error.message : (error.stack ?? error.message);
}

/** Columns padded to their widest cell. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

import { Buffer } from 'node:buffer';
import { hash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Language } from '../events/localized.ts';
import { containedBundle } from '../ledger/contained-bundle.ts';
import { itemLines } from '../ledger/item-lines.ts';
import { outcomeStatus, type Verdict } from '../ledger/verdict.ts';
import { verdictText } from '../ledger/verdict-text.ts';
import { verifyBundle } from '../ledger/verify.ts';

export type VerifyOptions = {
  /** Public keys that are pinned. */
  readonly keys: readonly string[];
  /** A folder with media, each named by its digest, with or without an extension. */
  readonly media?: string | undefined;
  readonly language: Language;
  /** The verdict as data instead of sentences. */
  readonly isJson: boolean;
  /** The items, too, as they were recorded. */
  readonly withItems: boolean;
};

/**
 * `runledger verify`: checks the evidence in a file, with no network, no service and no package beside it, and says what it
 * came to. Its status is that of the verdict (verdict.ts); a file that cannot be read is malformed. Imports nothing but
 * src/ledger and src/events, because it is also the whole of dist/verify.mjs.
 */
export function verifyFile(path: string, { language, isJson, withItems, ...known }: VerifyOptions): number {
  const { verdict, bytes, container } = verdictOn(path, known);
  if (isJson) print(JSON.stringify(verdict));
  else print(verdictText(verdict, `${basename(path)}${container}`, language));
  if (withItems && bytes !== undefined && verdict.seen !== undefined)
    for (const line of itemLines(bytes)) print(line);
  return outcomeStatus[verdict.outcome];
}

type Checked = {
  readonly verdict: Verdict;
  readonly bytes?: Buffer;
  /** What the file is, where the bundle is only a part of it. */
  readonly container: string;
};

function verdictOn(path: string, { keys, media }: Pick<VerifyOptions, 'keys' | 'media'>): Checked {
  let file: Buffer;
  let beside: ReadonlyMap<string, string>;
  try {
    file = readFileSync(path);
    beside = media === undefined ? new Map() : mediaIn(media);
  } catch (error) {
    if (!(error instanceof Error) || !('syscall' in error)) throw error;
    return { verdict: malformed(error.message), container: '' };
  }
  const found = containedBundle(file);
  const container = found.container === 'json' ? '' : ` (${found.container})`;
  const [bytes, ...more] = found.bundles;
  if (bytes === undefined) return { verdict: malformed('a file with evidence in it'), container };
  if (more.length > 0) return { verdict: malformed('the evidence of one run, not of several'), container };
  return {
    verdict: verifyBundle(bytes, { keys, media: new Map([...found.media, ...beside]) }),
    bytes,
    container,
  };
}

const malformed = (expected: string): Verdict => ({
  outcome: 'malformed',
  faults: [],
  malformed: { pointer: '', expected },
});

/** German where the machine speaks it, else English. */
export const languageOfPlace = (): Language =>
  (process.env['LC_ALL'] ?? process.env['LANG'] ?? '').startsWith('de') ? 'de' : 'en';

/** SHA-256 of the files whose names begin with a digest, by that digest. */
function mediaIn(folder: string): ReadonlyMap<string, string> {
  const named = readdirSync(folder).flatMap((name) => {
    const [, digest] = /^([0-9a-f]{64})(?:\.|$)/.exec(name) ?? [];
    return digest === undefined ? [] : [[digest, name] as const];
  });
  return new Map(
    named.map(([digest, name]) => [digest, hash('sha256', readFileSync(join(folder, name)), 'hex')]),
  );
}

/** At once and whole: a process that ends after it must not cut it. */
const print = (text: string): void => void process.stdout.write(Buffer.from(`${text}\n`));

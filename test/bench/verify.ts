import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { promisify } from 'node:util';
import { bundleBytes } from '../../src/ledger/bundle.ts';
import { makeBundle } from '../../src/ledger/make-bundle.ts';
import { verifierKeyText } from '../../src/ledger/note-key.ts';
import { endedLedger, testKey } from '../ledger/small-ledger.ts';
import { median, optionsOf } from './measure.ts';

const run = promisify(execFile);
const key = verifierKeyText(testKey());
/** Start, input, output and end, which stand around the steps. */
const others = 4;

/**
 * `verify [--repetitions 5]`: the evidence of one run, made and checked, by the number of its items. Checked in a
 * process of its own, its start included, as a stranger would.
 */
export async function verify(args: readonly string[]): Promise<void> {
  const { repetitions } = optionsOf(args);
  const folder = await mkdtemp(join(tmpdir(), 'runledger-bench-'));
  console.log('\nEvidence of one run: medians, ms');
  console.log(lineOf(['items', 'file, MB', 'made', 'verify.mjs', 'verify.py']));
  try {
    for (const items of [30, 5_000]) {
      const parts = endedLedger(items - others).partsOf('run-one');
      const made: number[] = [];
      const ours: number[] = [];
      const python: number[] = [];
      const file = join(folder, `${items}.audit.json`);
      let sizeBytes = 0;
      for (let round = 0; round < repetitions; round += 1) {
        const begun = performance.now();
        const bytes = bundleBytes(makeBundle(parts));
        made.push(performance.now() - begun);
        sizeBytes = bytes.byteLength;
        await writeFile(file, bytes);
        ours.push(await timeOf(process.execPath, [verifier, file, '--key', key]));
        python.push(await timeOf('python3', [secondVerifier, file, '--key', key]));
      }
      const cells = [made, ours, python].map((times) => median(times).toFixed(0));
      console.log(lineOf([items.toLocaleString('en'), (sizeBytes / 1e6).toFixed(2), ...cells]));
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const root = join(import.meta.dirname, '../../..');
const verifier = join(root, 'dist/verify.mjs');
const secondVerifier = join(root, 'test/ledger/verify.py');

/** Milliseconds until the process has ended; it throws where the file is not verified. */
async function timeOf(program: string, args: readonly string[]): Promise<number> {
  const begun = performance.now();
  await run(program, args);
  return performance.now() - begun;
}

const lineOf = (cells: readonly string[]): string => cells.map((cell) => cell.padStart(12)).join(' ');

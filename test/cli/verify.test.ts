import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync, mkdirSync, copyFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundleBytes } from '../../src/ledger/bundle.ts';
import { verifierKeyText } from '../../src/ledger/note-key.ts';
import { attacks, outcomes } from '../ledger/cases.ts';
import { bundleOf } from '../ledger/checked-bundles.ts';
import { complete, final, image, input, inputCheck, outputCheck, start } from '../ledger/checked-runs.ts';
import { endedBundle, picture, pictureBytes, testKey } from '../ledger/small-ledger.ts';

const root = join(import.meta.dirname, '../..');
const built = join(root, 'dist/verify.mjs');
const key = verifierKeyText(testKey());
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'runledger-verify-'));
  writeFileSync(join(folder, 'run.audit.json'), bundleBytes(endedBundle()));
  // The verifier alone: no project, no packages beside it.
  copyFileSync(built, join(folder, 'verify.mjs'));
});
afterAll(() => rmSync(folder, { recursive: true }));

type Ran = { readonly status: number | null; readonly out: string; readonly err: string };

function ran(args: readonly string[], script = join(folder, 'verify.mjs')): Ran {
  const env = { PATH: process.env['PATH'] ?? '', LANG: 'C' };
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], {
    cwd: folder,
    env,
    encoding: 'utf8',
  });
  return { status, out: stdout, err: stderr };
}

describe('the verifier by itself', () => {
  test('is one file that imports nothing but parts of Node', () => {
    const imports = [...readFileSync(built, 'utf8').matchAll(/^\s*import[^"']*["']([^"']+)["']/gm)];
    expect(imports.length).toBeGreaterThan(3);
    expect(imports.map(([, name]) => name).filter((name) => !name?.startsWith('node:'))).toEqual([]);
  });

  test('says in words what it proved and what not, and ends with 0', () => {
    const { status, out } = ran(['run.audit.json', '--key', key]);
    expect(out).toContain('VERIFIED.');
    expect(out).toContain('run-one, 1–4');
    expect(out).toContain('What it does not prove: that what was recorded is what happened');
    expect(status).toBe(0);
  });

  test('says it in German', () => {
    const { out } = ran(['run.audit.json', '--key', key, '--lang', 'de']);
    expect(out).toContain('GEPRÜFT.');
    expect(out).toContain('nicht bewiesen');
  });

  test('names the rules that a run has broken, as words and as data, and ends with 0 all the same', () => {
    const items = [start(), input, inputCheck(), final, outputCheck(1, { verdict: 'unsafe' }), image(1)];
    writeFileSync(join(folder, 'broken.audit.json'), bundleBytes(bundleOf([...items, complete(7, 1)])));
    const german = ran(['broken.audit.json', '--key', key, '--lang', 'de']);
    expect(german.out).toContain('I1 VERLETZT (Eintrag 6): jede Ausgabe muss vorher freigegeben');
    const told = ran(['broken.audit.json', '--key', key, '--json']);
    expect(JSON.parse(told.out)).toMatchObject({
      outcome: 'verified',
      faults: [],
      invariants: [
        {
          id: 'I1',
          status: 'fail',
          sequence_numbers: [6],
          detail: 'Output 1 (item 6, output_image) was delivered although item 5 refused it.',
        },
        ...[2, 3, 4, 5, 6, 7, 8].map((n) => ({ id: `I${n}`, status: 'pass', sequence_numbers: [] })),
      ],
    });
    expect([german.status, told.status]).toEqual([0, 0]);
  });

  test('prints the items as they were recorded', () => {
    const { out } = ran(['run.audit.json', '--key', key, '--items']);
    expect(out).toContain('   | Eine Blume 🌼 "auf" der\n   | Wiese');
  });

  test.each([...outcomes, ...attacks].filter(({ known }) => known === undefined))(
    '$name: ends with $status',
    ({ bytes, status }) => {
      writeFileSync(join(folder, 'case.audit.json'), bytes);
      expect(ran(['case.audit.json', '--key', key]).status).toBe(status);
    },
  );

  test('checks media that are named by their digests', () => {
    mkdirSync(join(folder, 'media'), { recursive: true });
    const medium = join(folder, 'media', `${picture}.png`);
    writeFileSync(medium, pictureBytes);
    const whole = ran(['run.audit.json', '--key', key, '--media', 'media', '--json']);
    expect(JSON.parse(whole.out)).toMatchObject({ seen: { media: [{ sha256: picture, isChecked: true }] } });
    expect(whole.status).toBe(0);
    writeFileSync(medium, 'another picture');
    const swapped = ran(['run.audit.json', '--key', key, '--media', 'media']);
    expect(swapped.out).toContain(picture);
    expect(swapped.status).toBe(1);
  });

  test('a file that is not there is 2, and so is wrong usage', () => {
    expect(ran(['missing.audit.json', '--key', key])).toMatchObject({ status: 2 });
    expect(ran([]).err).toContain('verify FILE');
    expect(ran(['run.audit.json', '--keys', key]).status).toBe(2);
  });
});

test('`runledger verify` says the same with the same status, and opens no data directory', () => {
  const cli = join(root, 'dist/src/cli.js');
  const args = ['run.audit.json', '--key', key];
  expect(ran(['verify', ...args], cli)).toEqual(ran(args));
  expect(ran(['verify', 'run.audit.json'], cli).status).toBe(3);
});

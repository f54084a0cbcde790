import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { verifyBundle } from '../../src/ledger/verify.ts';
import { startServiceProcess } from '../crash/service-process.ts';
import { type DataDirectory, newDataDirectory, runledger, runledgerJson } from './command.ts';

let data: DataDirectory;
beforeEach(() => {
  data = newDataDirectory();
});
afterEach(() => data.remove());

/** What is pinned: name, id and key, as C2SP writes them, and nothing else in the line. */
const verifierKey = /^runledger\.local\/[0-9a-f-]{36}\+[0-9a-f]{8}\+A[\w+/]{43}\n$/;

async function printedKey(...args: readonly string[]): Promise<string> {
  const { status, out, err } = await runledger(data.path, ['ledger-key', ...args]);
  expect({ status, out, err }).toEqual({ status: 0, out: expect.stringMatching(verifierKey), err: '' });
  return out.trimEnd();
}

/** Runs a workflow and exports its evidence; the path of the file, and the run. */
async function evidenceOfARun(text: string): Promise<{ readonly run: string; readonly path: string }> {
  const { execution_id: run } = await runledgerJson(data.path, 'run', 'dada', text);
  return { run: String(run), path: await exported(String(run), `${text}.audit.json`) };
}

async function exported(run: string, name: string): Promise<string> {
  const path = data.beside(name);
  expect(await runledger(data.path, ['export', run, '--format', 'audit', '-o', path])).toMatchObject({
    status: 0,
  });
  return path;
}

describe('runledger ledger-key', () => {
  test('prints the key that verify takes, as words and as data', async () => {
    const { path } = await evidenceOfARun('Eine Blume');
    const key = await printedKey();
    expect(await runledgerJson(data.path, 'ledger-key')).toEqual({ current: key });
    expect((await runledger(data.path, ['verify', path, '--key', key])).status).toBe(0);
  });

  test('says so where there is no key yet', async () => {
    const { status, out, err } = await runledger(data.path, ['ledger-key']);
    expect({ status, out }).toEqual({ status: 1, out: '' });
    expect(err).toContain('keys/ledger-key.json');
  });

  test('works beside a running service, which nobody takes its key from', async () => {
    const service = await startServiceProcess(data.path);
    const key = await printedKey();
    expect((await runledger(data.path, ['ledger-key', 'rotate'])).status).toBe(1);
    expect(await printedKey()).toBe(key);
    service.process.kill('SIGTERM');
    expect(await service.exited).toBe(0);
  });
});

describe('runledger ledger-key rotate', () => {
  test('prints a fresh key, which signs from now on; what the old one signed stays signed', async () => {
    const before = await evidenceOfARun('Eine Blume');
    const old = await printedKey();
    const fresh = await printedKey('rotate');
    expect(fresh).not.toBe(old);
    expect(await printedKey()).toBe(fresh);
    const after = await evidenceOfARun('Ein Baum');
    const outcomes = [before.path, after.path].map((path) =>
      [old, fresh].map((key) => verifyBundle(readFileSync(path), { keys: [key], media: new Map() }).outcome),
    );
    expect(outcomes).toEqual([
      ['verified', 'tampered'],
      ['tampered', 'verified'],
    ]);
    const again = await exported(before.run, 'again.audit.json');
    expect(readFileSync(again)).toEqual(readFileSync(before.path));
  });

  test('tells every key that the log has published, as data', async () => {
    await evidenceOfARun('Eine Blume');
    const old = await printedKey();
    const { current, published } = await runledgerJson(data.path, 'ledger-key', 'rotate');
    expect(published).toEqual([old, current]);
    expect(await printedKey()).toBe(current);
  });
});

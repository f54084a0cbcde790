import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { v7 } from 'uuid';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { openEventStore } from '../../src/event-store/open.ts';
import { openKeyring } from '../../src/keyring/keyring.ts';
import { bundledPolicy } from '../../src/safety/bundled-policy.ts';
import { activatePolicy } from '../../src/safety/policy.ts';
import { openLedger } from '../../src/service/open.ts';
import { publishPolicy } from '../../src/service/policies.ts';
import { eventsOf } from './rest.ts';
import { keepEmbedded, settingsOf } from '../store-under-test.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'runledger-policies-'));
  keepEmbedded(directory);
});
afterEach(() => rmSync(directory, { recursive: true }));

const open = () => openLedger(readConfig(settingsOf(directory)), pino({ level: 'silent' }));
const published = async () => (await eventsOf(directory)).filter(({ type }) => type === 'policy_published');

/** Publishes a policy into the log of the directory, as a start does. */
async function publish(change: { readonly version?: number; readonly sha256?: string }): Promise<void> {
  const store = await openEventStore({ store: 'lmdb', directory });
  const keys = await openKeyring(join(directory, 'keys'));
  const { reference, document } = activatePolicy(bundledPolicy);
  try {
    const parts = { store, keys, clock: Date.now, newId: v7 };
    await publishPolicy(parts, { ...reference, document, ...change });
  } finally {
    await keys.close();
    await store.close();
  }
}

test('the first start publishes the policy, and the next ones add nothing', async () => {
  for (let start = 0; start < 3; start += 1) {
    await (await open()).close(0);
    expect(await published()).toHaveLength(1);
  }
  const [event] = await published();
  const core = JSON.parse(Buffer.from(event?.core ?? []).toString()) as { facts: object };
  const { reference } = activatePolicy(bundledPolicy);
  expect(core.facts).toMatchObject({ version: reference.version, sha256: reference.sha256 });
});

test('another document under a version that was published is refused', async () => {
  await (await open()).close(0);
  const { reference } = activatePolicy(bundledPolicy);
  await expect(publish({ sha256: '0'.repeat(64) })).rejects.toMatchObject({
    code: 'POLICY_CHANGED',
    params: { policy: reference.id, version: reference.version },
  });
  expect(await published()).toHaveLength(1);
});

test('another document under a new version is published beside the old one', async () => {
  await (await open()).close(0);
  const { reference } = activatePolicy(bundledPolicy);
  await publish({ version: reference.version + 1, sha256: '0'.repeat(64) });
  expect(await published()).toHaveLength(2);
  // And the old one still stands: a start that uses it adds nothing.
  await (await open()).close(0);
  expect(await published()).toHaveLength(2);
});

test('a ledger of before there were models in a policy gets the new version beside its own', async () => {
  await publish({ version: 1, sha256: '8bb6ecddab02fde41f1c8f3b78d8ca1d7745fcf58757680a4f0360a64b0f8d52' });
  for (let start = 0; start < 2; start += 1) {
    await (await open()).close(0);
    const versions = (await published()).map(
      (event) =>
        (JSON.parse(Buffer.from(event.core).toString()) as { facts: { version: number } }).facts.version,
    );
    expect(versions).toEqual([1, 2]);
  }
});

test('a start whose policy was changed under its version is refused, and leaves the directory free', async () => {
  const { reference } = activatePolicy(bundledPolicy);
  await publish({ sha256: '0'.repeat(64) });
  for (let start = 0; start < 2; start += 1) {
    await expect(open()).rejects.toMatchObject({ code: 'POLICY_CHANGED', params: { policy: reference.id } });
  }
});

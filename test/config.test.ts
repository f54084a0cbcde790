import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readConfig } from '../src/config.ts';
import { isLedgerError } from '../src/errors.ts';
import { compiled, environmentOf } from './crash/service-process.ts';

function faultsOf(env: Readonly<Record<string, string>>): readonly string[] {
  try {
    readConfig(env);
  } catch (error) {
    if (isLedgerError(error, 'CONFIG_INVALID')) return error.params.faults;
    throw error;
  }
  return [];
}

describe('the configuration', () => {
  test('has a default for everything', () => {
    expect(readConfig({})).toEqual({
      host: '127.0.0.1',
      port: 17_801,
      dataDirectory: './data',
      sharedDirectory: './data',
      store: 'lmdb',
      timeZone: 'UTC',
      logLevel: 'info',
      workflowFolder: undefined,
      policyFile: undefined,
      concurrency: 4,
      exportHours: 168,
      leaseSeconds: 15,
      contact: undefined,
      backends: { ollama: undefined, comfyui: undefined, openai: undefined, openrouter: undefined },
    });
  });

  test('comes from the environment, whatever else stands there', () => {
    const settings = {
      RUNLEDGER_HOST: '::1',
      RUNLEDGER_PORT: '0',
      RUNLEDGER_DATA: 'elsewhere',
      RUNLEDGER_SHARED: 'seen-by-all',
      RUNLEDGER_STORE: 'lmdb:other-disk/log',
      RUNLEDGER_TIMEZONE: 'Europe/Berlin',
      RUNLEDGER_LOG_LEVEL: 'silent',
      RUNLEDGER_WORKFLOWS: 'our-workflows',
      RUNLEDGER_POLICY: 'policy.json',
      RUNLEDGER_CONCURRENCY: '12',
      RUNLEDGER_EXPORT_HOURS: '24',
      RUNLEDGER_LEASE_SECONDS: '600',
      RUNLEDGER_CONTACT: 'Frau Beispiel, Raum 12',
      OLLAMA_URL: 'http://127.0.0.1:11434',
      COMFYUI_URL: 'http://127.0.0.1:8188',
      OPENAI_URL: 'http://127.0.0.1:8080/v1',
      OPENROUTER_API_KEY: 'a-key',
      OPENROUTER_URL: 'http://127.0.0.1:9999/api/v1',
      PATH: 'anything',
    };
    expect(readConfig(settings)).toEqual({
      host: '::1',
      port: 0,
      dataDirectory: 'elsewhere',
      sharedDirectory: 'seen-by-all',
      store: 'lmdb:other-disk/log',
      timeZone: 'Europe/Berlin',
      logLevel: 'silent',
      workflowFolder: 'our-workflows',
      policyFile: 'policy.json',
      concurrency: 12,
      exportHours: 24,
      leaseSeconds: 600,
      contact: 'Frau Beispiel, Raum 12',
      backends: {
        ollama: 'http://127.0.0.1:11434',
        comfyui: 'http://127.0.0.1:8188',
        openai: 'http://127.0.0.1:8080/v1',
        openrouter: { url: 'http://127.0.0.1:9999/api/v1', apiKey: 'a-key' },
      },
    });
  });

  test('tells all its faults at once, each by its name', () => {
    const faults = faultsOf({
      RUNLEDGER_HOST: '',
      RUNLEDGER_PORT: '65536',
      RUNLEDGER_DATA: '',
      RUNLEDGER_STORE: 'sqlite',
      RUNLEDGER_TIMEZONE: 'Mars/Olympus',
      RUNLEDGER_LOG_LEVEL: 'loud',
      RUNLEDGER_INSECURE: 'yes',
      RUNLEDGER_PROT: '80',
      RUNLEDGER_CONCURRENCY: '0',
      RUNLEDGER_EXPORT_HOURS: '0',
      OLLAMA_URL: 'localhost',
    });
    expect(faults).toContainEqual(expect.stringMatching(/^OLLAMA_URL must be an http or https address/));
    for (const name of 'HOST PORT DATA STORE TIMEZONE LOG_LEVEL INSECURE PROT CONCURRENCY'.split(' ')) {
      expect(faults).toContainEqual(expect.stringMatching(`^RUNLEDGER_${name} `));
    }
  });

  test.each(['-1', '80a', '1e3', ' 80', '', '123456'])('refuses the port "%s"', (port) => {
    expect(faultsOf({ RUNLEDGER_PORT: port })).toEqual([expect.stringMatching(/^RUNLEDGER_PORT must be/)]);
  });

  test('refuses a setting that runledger does not have', () => {
    expect(faultsOf({ RUNLEDGER_DATA_DIR: '/' })).toEqual([
      'RUNLEDGER_DATA_DIR is not a setting of runledger',
    ]);
  });

  test.each(['0.0.0.0', '::', '192.168.1.5', 'ledger.example.org'])(
    'refuses the address %s, which other machines reach, unless RUNLEDGER_INSECURE=1 accepts that',
    (host) => {
      expect(faultsOf({ RUNLEDGER_HOST: host })).toEqual([
        `RUNLEDGER_HOST ${host} is reachable from other machines, and there is no access control yet: use 127.0.0.1, or set RUNLEDGER_INSECURE=1 to accept that`,
      ]);
      expect(faultsOf({ RUNLEDGER_HOST: host, RUNLEDGER_INSECURE: '0' })).toHaveLength(1);
      expect(readConfig({ RUNLEDGER_HOST: host, RUNLEDGER_INSECURE: '1' }).host).toBe(host);
    },
  );

  test.each(['127.0.0.1', '::1', 'localhost'])('takes the address %s of this machine', (host) => {
    expect(readConfig({ RUNLEDGER_HOST: host }).host).toBe(host);
  });
});

describe('a service with a wrong configuration', () => {
  test('ends with status 78, tells every fault on stderr, and touches nothing', () => {
    const root = mkdtempSync(join(tmpdir(), 'runledger-config-'));
    try {
      const directory = join(root, 'data');
      const settings = { RUNLEDGER_PORT: 'http', RUNLEDGER_HOST: '0.0.0.0', RUNLEDGER_COLOUR: 'red' };
      const { status, stderr, stdout } = spawnSync(process.execPath, [compiled('main')], {
        env: environmentOf(directory, settings),
        encoding: 'utf8',
      });
      expect({ status, stdout }).toEqual({ status: 78, stdout: '' });
      expect(stderr).toContain('The environment has 3 fault(s): ');
      for (const fault of [
        'RUNLEDGER_PORT must be a port number',
        'RUNLEDGER_HOST 0.0.0.0 is',
        'RUNLEDGER_COLOUR is',
      ])
        expect(stderr).toContain(fault);
      expect(existsSync(directory)).toBe(false);
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { readConfig } from '../src/config.ts';

const root = join(import.meta.dirname, '..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

const environment = z.record(z.string(), z.string());
const service = z.looseObject({
  image: z.string(),
  profiles: z.array(z.string()).min(1),
  user: z.string().optional(),
  environment: environment.default({}),
  volumes: z.array(z.string()).default([]),
  ports: z.array(z.string()).default([]),
  networks: z.array(z.string()).default([]),
  network_mode: z.string().optional(),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
  healthcheck: z.looseObject({ test: z.array(z.string()).min(2) }).optional(),
  restart: z.enum(['no', 'unless-stopped']),
  read_only: z.boolean().default(false),
  cap_drop: z.array(z.string()),
  security_opt: z.array(z.string()),
  stop_grace_period: z.string().optional(),
});
type ComposeService = z.infer<typeof service>;
const named = z.record(z.string(), z.looseObject({}));
const composeFile = z.looseObject({
  services: z.record(z.string(), service),
  networks: named,
  volumes: named,
});

// The parser of the package that writes /openapi.json: no dependency of ours for one file.
const { parse } = createRequire(createRequire(import.meta.url).resolve('@fastify/swagger'))('yaml') as {
  parse: (text: string, options: { readonly merge: boolean }) => unknown;
};
const { services, networks, volumes } = composeFile.parse(parse(read('docker-compose.yml'), { merge: true }));

const all = Object.entries(services);
const ledgers = all.filter(([, one]) => one.image.startsWith('runledger:'));
const stores = all.filter(([, one]) => one.image.includes('eventstoredb'));
const oneShots = all.filter(([, one]) => one.restart === 'no');
const inProfile = (profile: string): string[] =>
  all.flatMap(([name, { profiles }]) => (profiles.includes(profile) ? name : [])).sort();
/** `${NAME:-default}` as Compose fills it in. */
const filledIn = (text: string, given: Readonly<Record<string, string>>): string =>
  text.replaceAll(/\$\{(\w+):-([^}]*)\}/g, (_, name: string, or: string) => given[name] || or);

describe('docker-compose.yml', () => {
  test('has a profile for each way to run the ledger', () => {
    expect(inProfile('embedded')).toEqual(['ledger']);
    expect(inProfile('single')).toEqual(['ledger-single', 'store']);
    expect(inProfile('cluster')).toEqual('certificates ledger-1 ledger-2 store-1 store-2 store-3'.split(' '));
    expect([ledgers.length, stores.length, oneShots.length, all.length]).toEqual([4, 4, 1, 9]);
  });

  test('names exact images: three numbers, and ours is the version of the package', () => {
    const { version } = JSON.parse(read('package.json')) as { version: string };
    for (const [name, { image }] of all) {
      const [, tag = ''] = /:([^:/]+)$/.exec(image) ?? [];
      expect(tag, name).toMatch(/^\d+\.\d+\.\d+([-.]|$)/);
      if (image.startsWith('runledger')) expect(tag, name).toBe(version);
    }
    for (const [, tag] of read('Dockerfile').matchAll(/^FROM node:(\S+)/gm))
      expect(tag).toBe('22.21.1-bookworm-slim');
  });

  test('gives the stores only settings that their version knows, and no telemetry', () => {
    const known = new Set(read('test/fixtures/eventstoredb-24.10-settings.txt').split('\n'));
    for (const [name, one] of stores) {
      expect(one.image, name).toMatch(/:24\.10\./);
      for (const setting of Object.keys(one.environment)) expect(known, name).toContain(setting);
      expect(one.environment, name).toMatchObject({
        EVENTSTORE_TELEMETRY_OPTOUT: 'true',
        EVENTSTORE_RUN_PROJECTIONS: 'None',
      });
    }
  });

  test('takes rights from everything, and root and the root file system from the ledger', () => {
    const lastUser = (target: string): string | undefined => {
      const stages = read('Dockerfile').split(/^FROM /m);
      const stage = stages.find((text) => text.split('\n', 1)[0]?.endsWith(` AS ${target}`)) ?? '';
      return [...stage.matchAll(/^USER (.+)$/gm)].at(-1)?.[1];
    };
    for (const [name, one] of all) {
      expect([one.cap_drop, one.security_opt], name).toEqual([['ALL'], ['no-new-privileges:true']]);
      expect(one['privileged'], name).toBeUndefined();
    }
    for (const [name, one] of [...ledgers, ...oneShots]) {
      const { target } = z.object({ target: z.string() }).parse(one['build']);
      expect([lastUser(target), one.user, one.read_only], name).toEqual(['node', undefined, true]);
    }
    for (const [name, { user }] of stores) expect(user, name).toBe('1000:1000');
  });

  test('looks at the health of whatever goes on running, and waits for it', () => {
    for (const [name, one] of [...ledgers, ...stores]) {
      expect(one.healthcheck?.test.join(' '), name).toMatch(/\/health\/live/);
      expect([one.restart, typeof one.stop_grace_period], name).toEqual(['unless-stopped', 'string']);
    }
    for (const [name, { depends_on }] of all) {
      for (const [other, { condition }] of Object.entries(depends_on)) {
        const ends = services[other]?.restart === 'no';
        expect(condition, `${name} → ${other}`).toBe(
          ends ? 'service_completed_successfully' : 'service_healthy',
        );
        expect(services[other]?.profiles, `${name} → ${other}`).toEqual(services[name]?.profiles);
      }
    }
  });

  test('opens no port but on the loopback of the machine, and no store at all', () => {
    for (const [name, { ports }] of all)
      for (const published of ports) expect(published, name).toMatch(/^127\.0\.0\.1:\d+:17801$/);
    expect(networks['store']).toEqual({ internal: true });
    for (const [name, one] of stores) expect([one.ports, one.networks], name).toEqual([[], ['store']]);
    for (const [name, one] of oneShots) expect(one.network_mode, name).toBe('none');
  });

  test('names every volume and every network that it uses, and no other', () => {
    const used = (pick: (one: ComposeService) => readonly string[]): string[] =>
      [...new Set(all.flatMap(([, one]) => pick(one)))].sort();
    const mounted = used((one) => one.volumes.map((volume) => volume.split(':', 1)[0] ?? ''));
    expect(Object.keys(volumes).sort()).toEqual(mounted);
    expect(Object.keys(networks).sort()).toEqual(used((one) => one.networks));
  });

  test('lets every store see its own key only, and nobody the key of the authority', () => {
    const seeing = (volume: string): string[] =>
      all.flatMap(([name, one]) => (one.volumes.some((text) => text.startsWith(`${volume}:`)) ? name : []));
    expect(seeing('store-authority')).toEqual(['certificates']);
    for (const name of ['store-1', 'store-2', 'store-3'])
      expect(seeing(`${name}-key`)).toEqual(['certificates', name]);
  });

  test('keeps the ledger on its own loopback until that is changed', () => {
    for (const [name, one] of ledgers) {
      const settings = (given: Readonly<Record<string, string>>) =>
        Object.fromEntries(
          Object.entries(one.environment).map(([key, value]) => [key, filledIn(value, given)]),
        );
      expect(readConfig(settings({})).host, name).toBe('127.0.0.1');
      expect(() => readConfig(settings({ RUNLEDGER_HOST: '0.0.0.0' })), name).toThrow(/RUNLEDGER_INSECURE=1/);
      const opened = settings({ RUNLEDGER_HOST: '0.0.0.0', RUNLEDGER_INSECURE: '1' });
      expect(readConfig(opened).host, name).toBe('0.0.0.0');
    }
  });
});

describe('the certificates of a cluster', () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'runledger-certificates-'));
    for (const folder of ['authority', 'trust', 'store-1', 'store-2', 'store-3'])
      mkdirSync(join(directory, folder));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  const passwords = {
    RUNLEDGER_STORE_PASSWORD: 'a-long-password',
    RUNLEDGER_STORE_OPS_PASSWORD: 'another-password',
  };
  const make = (more: Readonly<Record<string, string>> = {}) =>
    spawnSync('sh', [join(root, 'compose/certificates.sh'), directory], {
      env: { PATH: process.env['PATH'], ...passwords, ...more },
      encoding: 'utf8',
    });
  const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

  test.each([
    ['', 'is not set'],
    ['changeit', 'fewer than 12'],
    ['with@an-address', 'other than letters'],
  ])('are not made for the password "%s"', (password, why) => {
    for (const name of Object.keys(passwords)) {
      const { status, stderr } = make({ [name]: password });
      expect([status, stderr]).toEqual([78, expect.stringContaining(`${name} `)]);
      expect(stderr).toContain(why);
    }
  });

  test.skipIf(!hasOpenssl)('are of one authority, one common name and each of its own host, and stay', () => {
    const made = make();
    expect([made.status, made.stderr]).toEqual([0, '']);
    const file = (name: string): string => join(directory, name);
    const authority = new X509Certificate(readFileSync(file('trust/ca.crt')));
    const stores = ['store-1', 'store-2', 'store-3'];
    const texts = stores.map((name) => readFileSync(file(`${name}/node.crt`), 'utf8'));
    for (const [index, name] of stores.entries()) {
      const certificate = new X509Certificate(texts[index] ?? '');
      expect(certificate.verify(authority.publicKey)).toBe(true);
      expect(certificate.subject).toBe('CN=eventstoredb-node');
      expect(certificate.subjectAltName).toBe(`DNS:${name}, DNS:localhost, IP Address:127.0.0.1`);
      expect(statSync(file(`${name}/node.key`)).mode & 0o777).toBe(0o600);
    }
    expect(make()).toMatchObject({ status: 0, stdout: '' });
    expect(stores.map((name) => readFileSync(file(`${name}/node.crt`), 'utf8'))).toEqual(texts);
  });
});

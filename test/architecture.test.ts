import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

/** One room of the house: what of ours it may import, and which packages only it may. */
type Layer = {
  /** Layers it may import. */
  readonly may: readonly string[];
  /** Single files of other layers it may import besides. */
  readonly files?: readonly string[];
  readonly types?: readonly string[];
};

const everything = 'everything';
const port = 'src/event-store/port.ts';
const domain = ['events', 'errors', 'run'];
const allButPipeline =
  `events errors run audit event-store keyring projector projections safety ledger exporters media usage
  workflows import queries`.split(/\s+/);

/** architecture.md §1, "Who may import whom". A folder that is not in it fails the test. */
const table: Readonly<Record<string, Layer>> = {
  events: { may: ['errors'] },
  errors: { may: ['error-table'] },
  'error-table': { may: [] },
  // What every room that writes files needs of a file system, and nothing of what is in them.
  disk: { may: ['errors'] },
  keyring: { may: ['events', 'errors', 'disk'] },
  run: { may: ['events', 'errors'], types: [port] },
  'event-store': { may: ['events', 'errors', 'disk'] },
  projector: { may: ['events', 'errors'], files: [port] },
  // Pure folds of a stream are what most read models show, so they may use them; never the recorder.
  projections: {
    may: ['events', 'errors', 'audit'],
    files: [
      'src/run/lease.ts',
      'src/run/record.ts',
      'src/run/lifecycle.ts',
      'src/workflows/publication.ts',
      'src/exporters/export-job.ts',
      'src/safety/replay-job.ts',
      // The invariants are such a fold too.
      'src/ledger/invariants.ts',
      'src/ledger/invariant-state.ts',
      'src/ledger/policy-publication.ts',
      'src/projector/contract.ts',
      'src/projector/projection.ts',
    ],
  },
  // What read models for auditors are made of: pure folds, and the rows that their questions read.
  audit: { may: ['events', 'errors'], files: ['src/projector/projection.ts'] },
  safety: { may: ['events', 'errors'] },
  ledger: { may: ['events', 'errors'] },
  exporters: { may: ['events', 'errors', 'run'] },
  pipeline: { may: ['events', 'errors', 'safety'] },
  media: { may: ['events', 'errors', 'disk'] },
  usage: { may: ['events', 'errors'] },
  workflows: { may: domain },
  import: { may: domain },
  // Questions to the read models: a cache in memory over their rows, so they know the rows' tables.
  queries: { may: ['events', 'errors', 'run', 'projector', 'projections', 'ledger', 'audit'], types: [port] },
  http: { may: [...allButPipeline, 'error-table'] },
  // The composition: the only place beside main and cli that builds adapters (ADR 0005).
  service: { may: [everything] },
  version: { may: [] },
  web: { may: [] },
  main: { may: [everything] },
  config: { may: [everything] },
  cli: { may: [everything] },
};

/** Packages that one place only may know. */
const confined: ReadonlyMap<string, readonly string[]> = new Map([
  ['lmdb', ['src/event-store/lmdb/', 'src/projector/', 'src/keyring/']],
  ['undici', ['src/pipeline/backends/']],
  ['ws', ['src/pipeline/backends/']],
  ['eventsource-parser', ['src/pipeline/backends/']],
  ['chokidar', ['src/service/']],
  ['@fastify/multipart', ['src/http/']],
  ['@eventstore/db-client', ['src/event-store/eventstoredb/']],
]);

type Import = { readonly target: string; readonly typeOnly: boolean };

const root = resolve(import.meta.dirname, '..');

/** `src/run/record.ts` → `run`; `src/main.ts` → `main`; `projections/run-list.ts` → `projections`. */
function layerOf(file: string): string {
  const [top = '', second = ''] = file.split('/');
  return top === 'src' ? second.replace(/\.ts$/, '') : top;
}

function importsOf(file: string, text: string): readonly Import[] {
  const found: Import[] = [];
  const target = (specifier: string): string =>
    specifier.startsWith('.') ? relative(root, resolve(root, dirname(file), specifier)) : specifier;
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
      const { moduleSpecifier: specifier } = node;
      const typeOnly = ts.isImportDeclaration(node) ? isTypeOnly(node) : node.isTypeOnly;
      if (specifier && ts.isStringLiteral(specifier))
        found.push({ target: target(specifier.text), typeOnly });
    }
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [specifier] = node.arguments;
      const known = specifier !== undefined && ts.isStringLiteralLike(specifier);
      found.push({ target: known ? target(specifier.text) : '(computed)', typeOnly: false });
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.ES2023, true));
  return found;
}

function isTypeOnly({ importClause }: ts.ImportDeclaration): boolean {
  if (importClause === undefined) return false;
  if (importClause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const { namedBindings, name } = importClause;
  return (
    name === undefined &&
    namedBindings !== undefined &&
    ts.isNamedImports(namedBindings) &&
    namedBindings.elements.every((element) => element.isTypeOnly)
  );
}

/** Why this file may not import what it imports; one sentence each. */
function offences(file: string, text: string): readonly string[] {
  const layer = layerOf(file);
  const rule = table[layer];
  if (rule === undefined) return [`${file}: the layer ${layer} is not in the table`];
  return importsOf(file, text).flatMap(({ target, typeOnly }) => {
    if (!/^(src|projections|test)\//.test(target) && !target.startsWith('..')) {
      const homes = confined.get(
        target.startsWith('@') ? target.split('/', 2).join('/') : (target.split('/')[0] ?? ''),
      );
      return homes && !homes.some((home) => file.startsWith(home))
        ? [`${file}: ${target} is for ${homes.join(', ')}`]
        : [];
    }
    const other = layerOf(target);
    const allowed =
      other === layer ||
      rule.may.includes(everything) ||
      rule.may.includes(other) ||
      (rule.files ?? []).includes(target) ||
      (typeOnly && (rule.types ?? []).includes(target));
    return allowed && !target.startsWith('test/') ? [] : [`${file}: ${layer} may not import ${target}`];
  });
}

const filesOf = (folder: string): readonly string[] =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));

const sources = ['src', ...(readdirSync(root).includes('projections') ? ['projections'] : [])].flatMap(
  filesOf,
);

describe('every layer imports only what the table allows', () => {
  test.each(sources)('%s', (file) => {
    expect(offences(file, readFileSync(join(root, file), 'utf8'))).toEqual([]);
  });

  test('every folder of src stands in the table', () => {
    const folders = readdirSync(join(root, 'src')).map((name) => name.replace(/\.ts$/, ''));
    expect(folders.filter((folder) => table[folder] === undefined)).toEqual([]);
  });
});

describe('the table has teeth', () => {
  test.each([
    ['a kernel that imports a store', 'src/events/x.ts', "import { a } from '../run/decide.ts';"],
    [
      'run importing more than types of the port',
      'src/run/x.ts',
      "import { a } from '../event-store/port.ts';",
    ],
    ['run importing an adapter', 'src/run/x.ts', "import type { A } from '../event-store/lmdb/store.ts';"],
    [
      'a projection importing the recorder',
      'projections/x.ts',
      "import { a } from '../src/run/recorder.ts';",
    ],
    ['lmdb outside its places', 'src/http/x.ts', "import { open } from 'lmdb';"],
    [
      'db-client outside its place',
      'src/event-store/lmdb/x.ts',
      "import type { A } from '@eventstore/db-client';",
    ],
    ['a part of db-client', 'src/projector/x.ts', "import a from '@eventstore/db-client/generated/a.js';"],
    ['http importing a stage', 'src/http/x.ts', "import { a } from '../pipeline/stage-1.ts';"],
    ['a dynamic import', 'src/run/x.ts', "const a = await import('../http/app.ts');"],
    ['a re-export', 'src/run/x.ts', "export { a } from '../http/app.ts';"],
    ['a folder that is not in the table', 'src/helpers/x.ts', ''],
    ['a test in the product', 'src/main.ts', "import { a } from '../test/x.ts';"],
  ])('%s is refused', (_, file, text) => {
    expect(offences(file, text)).toHaveLength(1);
  });

  test.each([
    ['src/run/x.ts', "import type { EventStore } from '../event-store/port.ts';"],
    ['src/run/x.ts', "import { type EventStore, type Position } from '../event-store/port.ts';"],
    ['projections/x.ts', "import { evolveRecord } from '../src/run/record.ts';"],
    ['src/main.ts', "import { a } from './event-store/lmdb/store.ts';"],
    ['src/keyring/x.ts', "import { open } from 'lmdb';"],
    ['src/ledger/x.ts', "import { createHash } from 'node:crypto';"],
  ])('%s may say %s', (file, text) => {
    expect(offences(file, text)).toEqual([]);
  });
});

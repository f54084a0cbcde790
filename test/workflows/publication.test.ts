import { describe, expect, test } from 'vitest';
import {
  currentVersion,
  evolvePublication,
  isBundledDue,
  isFolderDue,
  isFoldersOwn,
  type Publication,
  workflowIdOf,
  workflowStreamOf,
} from '../../src/workflows/publication.ts';

const hash = (letter: string): string => letter.repeat(64);
const [a, b] = [hash('a'), hash('b')];

/** Who published a hash, or said `retired`. */
type Step = readonly ['bundled' | 'folder' | 'http', what: string];

/** The fold of a document's stream, told as who said what. */
function after(...steps: readonly Step[]): Publication | null {
  let state: Publication | null = null;
  for (const [source, what] of steps) {
    const facts =
      what === 'retired'
        ? { version: state?.version ?? 1, source }
        : { version: (state?.version ?? 0) + 1, sha256: what, source };
    const type = what === 'retired' ? 'workflow_retired' : 'workflow_published';
    state = evolvePublication(state, { type, facts });
  }
  return state;
}

describe('where a document stands', () => {
  test('is what was published last, until it is retired', () => {
    expect(after(['bundled', a], ['http', b])).toEqual({
      version: 2,
      sha256: b,
      source: 'http',
      retiredBy: null,
      folderSha256: null,
      changes: 2,
    });
    const retired = after(['bundled', a], ['http', 'retired']);
    expect(retired).toMatchObject({ version: 1, sha256: a, retiredBy: 'http', changes: 2 });
    expect(currentVersion(retired)).toBe('none');
    expect(currentVersion(null)).toBe('none');
    expect(currentVersion(after(['bundled', a], ['http', 'retired'], ['http', a]))).toBe(2);
  });

  test('what the folder said last is remembered, whatever came after it', () => {
    const state = after(['folder', a], ['http', b], ['http', 'retired']);
    expect(state).toMatchObject({ folderSha256: a, source: 'http' });
  });

  test('facts that cannot be read, other items, and a retirement of nothing change nothing', () => {
    const state = after(['bundled', a]);
    const facts = { version: 0, sha256: 'x', source: 'moon' };
    for (const type of ['workflow_published', 'workflow_retired', 'content_erased'])
      expect(evolvePublication(state, { type, facts })).toBe(state);
    expect(evolvePublication(null, { type: 'workflow_retired', facts: { source: 'http' } })).toBeNull();
    expect(evolvePublication(state, { type: 'workflow_published' })).toBe(state);
  });

  test('a stream names its document, and other streams name none', () => {
    expect(workflowIdOf(workflowStreamOf('dada'))).toBe('dada');
    expect(workflowIdOf('run-workflow-dada')).toBeUndefined();
    expect(workflowIdOf('policy-dada')).toBeUndefined();
  });
});

describe('a bundled document is due', () => {
  test.each<[string, boolean, ...Step[]]>([
    ['where nothing was ever published', true],
    ['where another release bundled other content', true, ['bundled', a]],
    ['not where it stands already', false, ['bundled', b]],
    ['not over an edit by HTTP', false, ['bundled', a], ['http', hash('c')]],
    ['not over an edit in the folder', false, ['bundled', a], ['folder', hash('c')]],
    ['not where it was retired', false, ['bundled', a], ['http', 'retired']],
  ])('%s', (_title, isDue, ...steps) => {
    expect(isBundledDue(after(...steps), b)).toBe(isDue);
  });
});

describe('a document of the folder is due', () => {
  test.each<[string, boolean, ...Step[]]>([
    ['where nothing was ever published', true],
    ['over a bundled one', true, ['bundled', a]],
    ['where its file changed', true, ['folder', a]],
    ['where its file changed after an edit by HTTP', true, ['folder', a], ['http', hash('c')]],
    ['where its file is back', true, ['folder', b], ['folder', 'retired']],
    ['not where its file says the same', false, ['folder', b]],
    ['not over an edit by HTTP while its file says the same', false, ['folder', b], ['http', a]],
    ['not where HTTP retired it and its file says the same', false, ['folder', b], ['http', 'retired']],
  ])('%s', (_title, isDue, ...steps) => {
    expect(isFolderDue(after(...steps), b)).toBe(isDue);
  });

  test('a file that is gone retires only what came from the folder and can be run', () => {
    expect(isFoldersOwn(after(['bundled', a], ['folder', b]))).toBe(true);
    expect(isFoldersOwn(after(['folder', a], ['http', b]))).toBe(false);
    expect(isFoldersOwn(after(['folder', a], ['http', 'retired']))).toBe(false);
    expect(isFoldersOwn(null)).toBe(false);
  });
});

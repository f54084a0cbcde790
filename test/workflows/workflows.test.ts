import { describe, expect, test } from 'vitest';
import { planOf, run, itemOf, story } from '../pipeline/harness.ts';
import { bundledOutputConfigs } from '../../src/workflows/bundled/output-configs.ts';
import { bundledWorkflows } from '../../src/workflows/bundled/workflows.ts';
import { languageChain } from '../../src/pipeline/language-chain.ts';
import { seededRandom } from '../../src/pipeline/random.ts';
import { contentHash, isOutputConfig, parseDocument, parseWorkflow } from '../../src/workflows/document.ts';
import { bundledLibrary, hashedDocuments, libraryOf, openLibrary } from '../../src/workflows/library.ts';
import { resolveOutputs } from '../../src/workflows/resolve-outputs.ts';
import { setFaults } from '../../src/workflows/set-faults.ts';
import { stepCount } from '../../src/workflows/step-count.ts';

const library = bundledLibrary();
const texts = { name: { en: 'x', de: 'x' }, description: { en: 'x', de: 'x' } };
const minimal = {
  id: 'mine',
  ...texts,
  pipeline: 'text_transformation',
  instruction_type: 'passthrough',
} as const;
const configsOf = (source: unknown, mode: 'eco' | 'fast' = 'eco'): string[] => {
  const opened = openLibrary([...bundledOutputConfigs, source]);
  const [workflow] = opened.workflows;
  if (workflow === undefined) throw new Error('no workflow');
  return resolveOutputs(workflow.document, opened, mode).map(({ config }) => config);
};

describe('the bundled workflows', () => {
  test('have names and descriptions in both languages, and outputs in both modes', () => {
    expect(library.workflows.map(({ document }) => document.id)).toEqual([
      'dada',
      'bauhaus',
      'stillepost',
      'image_comparison',
      'passthrough',
      'overdrive',
      'jugendsprache',
      'theopposite',
    ]);
    expect(library.outputConfigs.map(({ id }) => id)).toEqual([
      'sd35_large',
      'flux1_dev',
      'gpt5_image',
      'stable_audio',
      'ace_step',
    ]);
    const outputs = library.workflows.map(({ document }) =>
      (['eco', 'fast'] as const).map((mode) =>
        resolveOutputs(document, library, mode).map(({ config }) => config),
      ),
    );
    const one = [['sd35_large'], ['gpt5_image']];
    const two = ['sd35_large', 'gpt5_image'];
    expect(outputs).toEqual([one, one, one, [two, two], one, one, one, one]);
  });

  test.each(bundledWorkflows.map(({ id }) => id))(
    '%s runs to its end on the built-in backend',
    async (id) => {
      const ran = await run(planOf(id, 'Eine Blume auf der Wiese'));
      expect(ran.header).toMatchObject({ status: 'completed', findings: [], config_name: id });
      expect(story(ran)).toContain('output_image');
    },
  );

  test('the hash that a run pins is the one of the document', async () => {
    const { document, sha256 } = library.workflow('dada');
    expect(sha256).toBe(contentHash(document));
    expect(contentHash(parseWorkflow(JSON.parse(JSON.stringify(document))))).toBe(sha256);
    const ran = await run(planOf('dada', 'x'));
    expect(itemOf(ran, 'pipeline_start').metadata['workflow_sha256']).toBe(sha256);
    const hashes = library.workflows.map((one) => one.sha256);
    expect(new Set(hashes).size).toBe(hashes.length);
  });
});

describe('finding and refusing workflows', () => {
  test('an unknown id is refused with the known ones', () => {
    expect(() => library.workflow('surreal')).toThrow(
      expect.objectContaining({ code: 'WORKFLOW_NOT_FOUND', status: 404 }) as Error,
    );
    expect(() => library.workflow('surreal')).toThrow(/dada, bauhaus, stillepost/);
    expect(() => library.workflow('constructor')).toThrow(/There is no workflow constructor/);
  });

  test.each([
    ['an unknown member', { ...minimal, colour: 'red' }, ''],
    ['an unknown parameter', { ...minimal, parameters: { temprature: 1 } }, '/parameters'],
    ['an unknown pipeline', { ...minimal, pipeline: 'magic' }, '/pipeline'],
    ['a name in one language', { ...minimal, name: { en: 'x' } }, '/name/de'],
    ['steps without steps', { ...minimal, pipeline: 'steps' }, '/steps'],
    ['steps elsewhere', { ...minimal, steps: [{ id: 'a', role: 'r', task: 't' }] }, '/steps'],
    [
      'a step twice',
      { ...minimal, pipeline: 'steps', steps: ['a', 'a'].map((id) => ({ id, role: 'r', task: 't' })) },
      '/steps',
    ],
    ['too many iterations', { ...minimal, parameters: { iterations: 101 } }, '/parameters/iterations'],
    ['no output at a time', { ...minimal, parameters: { concurrency: 0 } }, '/parameters/concurrency'],
    ['17 outputs at a time', { ...minimal, parameters: { concurrency: 17 } }, '/parameters/concurrency'],
    ['an id that is a path', { ...minimal, id: '../mine' }, '/id'],
    ['an id that begins with a dot', { ...minimal, id: '.mine' }, '/id'],
    ['an id of 129 characters', { ...minimal, id: 'a'.repeat(129) }, '/id'],
    ['an unknown stage', { ...minimal, meta: { stage: 'input' } }, '/meta/stage'],
    ['an output config without a backend', { id: 'x', ...texts, meta: { stage: 'output' } }, '/backend'],
    ['something that is no object', 7, ''],
  ])('%s is refused, with a pointer', (_name, source, pointer) => {
    let refused: unknown;
    try {
      parseDocument(source);
    } catch (error) {
      refused = error;
    }
    expect(refused).toMatchObject({ code: 'WORKFLOW_INVALID', status: 400 });
    expect((refused as { errors: { pointer: string }[] }).errors.map((one) => one.pointer)).toContain(
      pointer,
    );
  });

  test('an output config that is not there, or an id that stands twice, is refused before any run', () => {
    const missing = { ...minimal, media_preferences: { output_configs: ['nowhere'] } };
    expect(() => openLibrary([...bundledOutputConfigs, missing])).toThrow(
      /no output config nowhere, known are sd35_large/,
    );
    expect(() => openLibrary([...bundledOutputConfigs, minimal, minimal])).toThrow(/stands twice/);
  });

  test('a document beyond 800 KiB is refused: it would not fit into one append', () => {
    const sized = (characters: number) => () =>
      parseDocument({ ...minimal, context: 'x'.repeat(characters) });
    expect(sized(818_000)).not.toThrow();
    expect(sized(820_000)).toThrow(/mine cannot be used \(it has 82\d{4} bytes, 819200 are the most\)/);
  });

  test('a document is a workflow unless its stage is output', () => {
    const [config] = bundledOutputConfigs;
    expect(isOutputConfig(parseDocument(config))).toBe(true);
    expect(isOutputConfig(parseDocument(minimal))).toBe(false);
    const bare: Record<string, unknown> = { ...config };
    delete bare['meta'];
    expect(() => parseDocument(bare)).toThrow(expect.objectContaining({ code: 'WORKFLOW_INVALID' }) as Error);
  });

  test('a version that was never published is VERSION_NOT_FOUND, a known one is found by its hash', () => {
    const { sha256 } = library.workflow('bauhaus');
    expect(library.version(sha256).document.id).toBe('bauhaus');
    const refused = expect.objectContaining({ code: 'VERSION_NOT_FOUND', status: 404 }) as Error;
    expect(() => library.version('0'.repeat(64))).toThrow(refused);
    const [config] = hashedDocuments(bundledOutputConfigs);
    expect(() => library.version(config?.sha256 ?? '')).toThrow(refused);
  });

  test('a retired workflow is not found but by its hash, a retired output config by its id only', () => {
    const [config, ...others] = hashedDocuments([...bundledOutputConfigs, minimal]);
    const mine = others.at(-1);
    if (config === undefined || mine === undefined) throw new Error('no documents');
    const shelf = libraryOf([
      { ...config, retired: true },
      { ...mine, retired: true },
    ]);
    expect(() => shelf.workflow('mine')).toThrow(/There is no workflow mine/);
    expect(shelf.version(mine.sha256).document.id).toBe('mine');
    expect([shelf.workflows, shelf.outputConfigs]).toEqual([[], []]);
    expect(shelf.outputConfig('sd35_large')?.id).toBe('sd35_large');
  });

  test('a workflow of steps cannot be run yet, and says so before anything is recorded', async () => {
    const document = parseWorkflow({
      ...minimal,
      pipeline: 'steps',
      steps: [{ id: 'a', role: 'r', task: 't' }],
    });
    await expect(run(planOf('dada', 'x', { workflow: document }))).rejects.toMatchObject({
      code: 'WORKFLOW_UNSUPPORTED',
      status: 501,
    });
  });
});

describe('a set of documents', () => {
  const documents = [...bundledOutputConfigs, minimal].map(parseDocument);
  const faultsWith = (change: object) =>
    setFaults([...documents.slice(0, -1), parseDocument({ ...minimal, ...change })]).map(
      ({ pointer, needs, detail }) => [pointer, needs, detail.replace(/, known are .*/, '')],
    );

  test('has no fault where every workflow finds what it names', () => {
    expect(setFaults(documents)).toEqual([]);
  });

  test('says of each name that leads nowhere where it stands', () => {
    const missing = 'there is no output config nowhere';
    expect(faultsWith({ media_preferences: { output_configs: ['flux1_dev', 'nowhere'] } })).toEqual([
      ['/media_preferences/output_configs/1', { config: 'nowhere' }, missing],
    ]);
    expect(faultsWith({ media_defaults: { image: { eco: 'nowhere', fast: 'ace_step' } } })).toEqual([
      ['/media_defaults/image/eco', { config: 'nowhere' }, missing],
      [
        '/media_defaults/image/fast',
        { config: 'ace_step' },
        'the output config ace_step makes music, not image',
      ],
    ]);
    expect(faultsWith({ media_preferences: { default_output: 'video' } })).toEqual([
      ['/media_preferences/default_output', { medium: 'video' }, 'there is no output config for video'],
    ]);
  });

  test('a default for another medium does not make the one that is asked for', () => {
    const media_defaults = { video: { eco: 'ace_step', fast: 'ace_step' } };
    expect(faultsWith({ media_preferences: { default_output: 'video' }, media_defaults })).toHaveLength(2);
  });
});

describe('how many steps a workflow has', () => {
  const recursive = { ...minimal, pipeline: 'text_transformation_recursive' };

  test.each([
    {},
    { iterations: 3 },
    { languages: ['fr', 'pl'] },
    { languages: ['fr', 'en'] },
    { languages: ['fr', 'de'], final_language: 'de' },
    { languages: ['fr', 'de'], use_random_languages: true },
    { languages: ['fr', 'de'], use_random_languages: true, iterations: 5 },
  ])('a telephone game with %j has as many as the pipeline takes', (parameters) => {
    const chain = languageChain('en', parameters, seededRandom('languages', 1));
    expect(stepCount(parseWorkflow({ ...recursive, parameters }))).toBe(chain.length);
  });

  test('a transformation has one, and a workflow of steps has its steps', () => {
    expect(stepCount(parseWorkflow(minimal))).toBe(1);
    const steps = ['a', 'b', 'c'].map((id) => ({ id, role: 'r', task: 't' }));
    expect(stepCount(parseWorkflow({ ...minimal, pipeline: 'steps', steps }))).toBe(3);
  });
});

describe('which outputs a workflow has', () => {
  test('one image unless media_preferences says text', () => {
    expect(configsOf(minimal)).toEqual(['sd35_large']);
    expect(configsOf(minimal, 'fast')).toEqual(['gpt5_image']);
    expect(configsOf({ ...minimal, media_preferences: { default_output: 'text' } })).toEqual([]);
  });

  test('a config listed twice gives two outputs', () => {
    const twice = { default_output: 'image', output_configs: ['flux1_dev', 'flux1_dev'] };
    expect(configsOf({ ...minimal, media_preferences: twice })).toEqual(['flux1_dev', 'flux1_dev']);
  });

  test('media_defaults choose by mode, and a medium that nothing makes is refused', () => {
    const media_defaults = { image: { eco: 'flux1_dev', fast: 'sd35_large' } };
    expect(configsOf({ ...minimal, media_defaults })).toEqual(['flux1_dev']);
    expect(configsOf({ ...minimal, media_defaults }, 'fast')).toEqual(['sd35_large']);
    expect(() => configsOf({ ...minimal, media_preferences: { default_output: 'video' } })).toThrow(
      /for video/,
    );
  });
});

import { describe, expect, test } from 'vitest';
import { planOf, run, itemOf, story } from '../pipeline/harness.ts';
import { bundledOutputConfigs } from '../../src/workflows/bundled/output-configs.ts';
import { bundledWorkflows } from '../../src/workflows/bundled/workflows.ts';
import { contentHash, parseWorkflow } from '../../src/workflows/document.ts';
import { bundledLibrary, openLibrary } from '../../src/workflows/library.ts';
import { resolveOutputs } from '../../src/workflows/resolve-outputs.ts';

const library = bundledLibrary();
const texts = { name: { en: 'x', de: 'x' }, description: { en: 'x', de: 'x' } };
const minimal = {
  id: 'mine',
  ...texts,
  pipeline: 'text_transformation',
  instruction_type: 'passthrough',
} as const;
const configsOf = (source: unknown, mode: 'eco' | 'fast' = 'eco'): string[] => {
  const opened = openLibrary([source], bundledOutputConfigs);
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
    ]);
    expect(library.outputConfigs.map(({ id }) => id)).toEqual(['sd35_large', 'flux1_dev', 'gpt5_image']);
    const outputs = library.workflows.map(({ document }) =>
      (['eco', 'fast'] as const).map((mode) =>
        resolveOutputs(document, library, mode).map(({ config }) => config),
      ),
    );
    const one = [['sd35_large'], ['gpt5_image']];
    const two = ['sd35_large', 'gpt5_image'];
    expect(outputs).toEqual([one, one, one, [two, two], one]);
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
    ['something that is no object', 7, ''],
  ])('%s is refused, with a pointer', (_name, source, pointer) => {
    let refused: unknown;
    try {
      parseWorkflow(source);
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
    expect(() => openLibrary([missing], bundledOutputConfigs)).toThrow(
      /no output config nowhere, known are sd35_large/,
    );
    expect(() => openLibrary([minimal, minimal], bundledOutputConfigs)).toThrow(/stands twice/);
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
    expect(() => configsOf({ ...minimal, media_preferences: { default_output: 'music' } })).toThrow(
      /for music/,
    );
  });
});

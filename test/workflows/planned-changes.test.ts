import { describe, expect, test } from 'vitest';
import { contentHash, type LibraryDocument, parseDocument } from '../../src/workflows/document.ts';
import { fittingChanges, inOrder, type PlannedChange } from '../../src/workflows/planned-changes.ts';

const texts = { name: { en: 'x', de: 'x' }, description: { en: 'x', de: 'x' } };
const config = (id: string, media_type = 'image'): LibraryDocument =>
  parseDocument({
    id,
    ...texts,
    media_type,
    backend: 'comfyui',
    model: 'm',
    execution_mode: 'eco',
    meta: { stage: 'output' },
  });
const workflow = (id: string, ...output_configs: string[]): LibraryDocument =>
  parseDocument({
    id,
    ...texts,
    pipeline: 'text_transformation',
    instruction_type: 'description',
    media_preferences: { output_configs },
  });

/** A workflow that needs no output config. */
const textual = (id: string): LibraryDocument =>
  parseDocument({
    id,
    ...texts,
    pipeline: 'text_transformation',
    instruction_type: 'description',
    media_preferences: { default_output: 'text' },
  });

const publish = (document: LibraryDocument): PlannedChange => ({
  kind: 'publish',
  id: document.id,
  source: 'folder',
  document,
  sha256: contentHash(document),
});
const retire = (id: string): PlannedChange => ({ kind: 'retire', id, source: 'folder' });

const shelf = (...documents: LibraryDocument[]): ReadonlyMap<string, LibraryDocument> =>
  new Map(documents.map((document) => [document.id, document]));

/** Ids that fit, and ids with the codes they are refused by. */
function outcome(current: ReadonlyMap<string, LibraryDocument>, ...planned: PlannedChange[]) {
  const { fitting, refused } = fittingChanges(current, planned);
  return [fitting.map(({ id }) => id), refused.map(({ change, error }) => `${change.id} ${error.code}`)];
}

const one = shelf(config('paint'), workflow('poster', 'paint'));

describe('planned changes', () => {
  test('fit where every workflow still finds its outputs', () => {
    expect(outcome(one, publish(workflow('poster')), retire('poster'))).toEqual([['poster', 'poster'], []]);
    expect(outcome(shelf(), publish(workflow('poster', 'paint')), publish(config('paint')))).toEqual([
      ['poster', 'paint'],
      [],
    ]);
  });

  test('a workflow that names what is not there is refused with its pointer, and the others go on', () => {
    const { fitting, refused } = fittingChanges(one, [
      publish(workflow('lost', 'paint', 'nowhere')),
      publish(workflow('found', 'paint')),
    ]);
    expect(fitting.map(({ id }) => id)).toEqual(['found']);
    expect(refused).toMatchObject([
      { change: { id: 'lost' }, error: { code: 'WORKFLOW_INVALID', status: 400 } },
    ]);
    expect(refused[0]?.error.errors).toEqual([
      {
        pointer: '/media_preferences/output_configs/1',
        detail: 'there is no output config nowhere, known are paint',
      },
    ]);
  });

  test('an output config that a workflow names cannot be retired, nor made into something else', () => {
    expect(outcome(one, retire('paint'))).toEqual([[], ['paint WORKFLOW_IN_USE']]);
    expect(outcome(one, publish(textual('paint')))).toEqual([[], ['paint WORKFLOW_IN_USE']]);
    const [refused] = fittingChanges(one, [retire('paint')]).refused;
    expect(refused?.error.message).toBe(
      'The output config paint is needed by poster: change or retire those workflows first.',
    );
  });

  test('it goes together with the last workflow that names it', () => {
    expect(outcome(one, retire('paint'), retire('poster'))).toEqual([['paint', 'poster'], []]);
    expect(outcome(one, retire('paint'), publish(textual('poster')))).toEqual([['paint', 'poster'], []]);
    // What asks for any image needs the last one that makes images.
    expect(outcome(one, retire('paint'), publish(workflow('poster')))).toEqual([
      ['poster'],
      ['paint WORKFLOW_IN_USE'],
    ]);
  });

  test('the last maker of a medium stays while a workflow asks for it without a name', () => {
    const asking = shelf(config('paint'), config('sketch'), workflow('poster'));
    expect(outcome(asking, retire('paint'))).toEqual([['paint'], []]);
    expect(outcome(asking, retire('paint'), retire('sketch'))).toEqual([
      ['sketch'],
      ['paint WORKFLOW_IN_USE'],
    ]);
  });

  test('an output config that changes harmlessly does not pay for a workflow that names it wrongly', () => {
    const wrong = { media_defaults: { audio: { eco: 'paint', fast: 'paint' } } };
    const poster = parseDocument({ ...textual('wrong'), ...wrong });
    const sharper = parseDocument({ ...config('paint'), model: 'sharper' });
    expect(outcome(one, publish(sharper), publish(poster))).toEqual([['paint'], ['wrong WORKFLOW_INVALID']]);
  });

  test('a fault that was there before refuses nobody but who publishes it again', () => {
    const faulty = shelf(config('paint'), workflow('poster', 'nowhere'));
    expect(outcome(faulty, publish(workflow('other', 'paint')))).toEqual([['other'], []]);
    expect(outcome(faulty, publish(workflow('poster', 'nowhere')))).toEqual([
      [],
      ['poster WORKFLOW_INVALID'],
    ]);
  });

  test('are made with what others need first, and what others need gone last', () => {
    const current = shelf(config('old'), workflow('poster', 'old'));
    const groups = inOrder(
      [retire('old'), publish(workflow('fresh', 'new')), retire('poster'), publish(config('new'))],
      current,
    );
    expect(groups.map((group) => group.map(({ id }) => id))).toEqual([
      ['new'],
      ['fresh'],
      ['poster'],
      ['old'],
    ]);
  });
});

import { describe, expect, test } from 'vitest';
import { catalogue } from '../../src/events/catalogue.ts';
import type { ExecutionItem } from '../../src/events/item.ts';
import type { Block, Outline } from '../../src/exporters/outline.ts';
import { outlineOfRun } from '../../src/exporters/outline-of-run.ts';
import type { View } from '../../src/exporters/view.ts';
import type { ExecutionRecord } from '../../src/run/record.ts';
import { item, recordOf } from './record-of.ts';
import { replayOf } from './replay-of.ts';

const never = new AbortController().signal;

async function outline(
  items: readonly ExecutionItem[],
  {
    view,
    language = 'en',
    start,
    ...more
  }: Partial<ExecutionRecord> & { view?: View; language?: 'en' | 'de'; start?: ExecutionItem } = {},
): Promise<Outline> {
  const replay = { ...replayOf(recordOf(items, more), { language }), ...(start && { start }) };
  return outlineOfRun(view === undefined ? replay : { ...replay, header: { ...replay.header, view } }, never);
}

const headings = (blocks: readonly Block[]): string[] =>
  blocks.flatMap((block) => (block.kind === 'heading' ? [`${block.level} ${block.text}`] : []));
const everything = ({ lead, body }: Outline): string => JSON.stringify([lead, body]);

const outputs = [
  { config: 'sd35_large', name: { en: 'SD 3.5 Large', de: 'SD 3.5 Groß' }, mediaType: 'image' },
];
const journey = [
  item(1, 'pipeline_start', { stage: 0, metadata: { outputs } }),
  item(2, 'user_input_text', { media_type: 'text', content: 'Eine Blume' }),
  item(3, 'run_claimed', { metadata: { worker: 'w-1' } }),
  item(4, 'stage1_safety_check', {
    metadata: {
      verdict: 'safe',
      method: 'fast_filter',
      enforcement: { action: 'allow', basis: 'evaluated' },
      policy: { id: 'workshop', version: 2, sha256: 'c'.repeat(64) },
    },
  }),
  item(5, 'translation_result', { content: 'A flower', metadata: { from_lang: 'de', to_lang: 'en' } }),
  item(6, 'interception_iteration', {
    stage: 2,
    stage_iteration: 1,
    content: 'زهرة',
    model_used: 'm',
    execution_time: 1.25,
    metadata: { from_lang: 'en', to_lang: 'ar' },
  }),
  item(7, 'interception_final', { stage: 2, content: 'A flower again' }),
  item(8, 'stage3_safety_check', { stage: 3, loop_iteration: 1, config_used: 'sd35_large' }),
  item(9, 'output_image', {
    stage: 4,
    loop_iteration: 1,
    config_used: 'sd35_large',
    file_path: '/old/place/1.png',
  }),
  item(10, 'pipeline_complete', { stage: 5 }),
];

describe('the journey, by stage', () => {
  test('headings come from the catalogue; outputs are headed as researchers know them', async () => {
    expect(headings((await outline(journey)).body)).toEqual([
      '1 Start',
      '1 Input',
      '2 Safety check of the input',
      '2 Translation: German → English',
      '1 Transformation',
      '2 Step 1/1: English → Arabic',
      '2 Final text',
      '1 Outputs',
      '2 1/1: sd35_large',
      '3 Safety check before output',
      '3 Image 1 (SD 3.5 Large)',
      '1 End',
      '2 Complete',
    ]);
  });

  test('it speaks German too', async () => {
    const german = await outline(journey, { language: 'de' });
    expect(headings(german.body)).toContain('2 Schritt 1/1: Englisch → Arabisch');
    expect(headings(german.body)).toContain('3 Bild 1 (SD 3.5 Groß)');
    expect(everything(german)).toContain('unbedenklich');
  });

  test.each(Object.keys(catalogue))('an item of type %s has a place, and all of its values', async (type) => {
    const told = await outline([
      item(1, type, { stage: null, content: 'its words', metadata: { deep: { list: ['one', 'two'] } } }),
    ]);
    for (const value of ['its words', 'one\\ntwo', 'deep.list']) expect(everything(told)).toContain(value);
  });

  test('an item of an unknown type and stage is told with its name', async () => {
    const told = await outline([item(1, 'hologram', { stage: 9, content: 'shimmer' })]);
    expect(headings(told.body)).toEqual(['1 Outside the stages', '2 Item hologram']);
    expect(everything(told)).toContain('shimmer');
  });

  test('members of an import that have another type are told all the same', async () => {
    const odd = {
      ...item(1, 'user_input_text'),
      content: 5,
      stage: 'two',
      metadata: 'x',
    } as unknown as ExecutionItem;
    const told = await outline([odd]);
    expect(everything(told)).toContain('recorded.content');
    expect(everything(told)).toContain('recorded.stage');
  });

  test('a member that is called as ours is told beside it', async () => {
    const odd = {
      ...item(1, 'user_input_text'),
      stage: 'one',
      recorded: 'ORIGINAL',
    } as unknown as ExecutionItem;
    const told = everything(await outline([odd]));
    for (const value of ['recorded.stage', 'ORIGINAL']) expect(told).toContain(value);
  });

  test('a run without a name that can be seen is called by its id', async () => {
    const { title } = await outline(journey, { config_name: ' ' });
    expect(title).toBe('exec_20260301_100000_00000001');
  });

  test('Arabic runs from right to left, line by line', async () => {
    const [text] = (
      await outline([item(1, 'user_input_text', { content: 'زهرة\nflower\n123 زهرة' })])
    ).body.filter((block) => block.kind === 'text');
    expect(text).toMatchObject({ lines: [{ direction: 'rtl' }, { direction: 'ltr' }, { direction: 'rtl' }] });
  });

  test('hidden characters of texts, keys and names are named', async () => {
    const told = await outline(
      [item(1, 'x_type', { content: 'a\u202Eb', metadata: { 'k\u0007': 'v\u0000' } })],
      {
        config_name: 'da\u200Bda',
      },
    );
    for (const hidden of ['\\u0000', '\\u0007', '\u202E', '\u200B'])
      expect(everything(told)).not.toContain(hidden);
    for (const name of ['⟨U+202E⟩', 'k⟨U+0007⟩', 'v⟨U+0000⟩', 'da⟨U+200B⟩da'])
      expect(`${told.title}${everything(told)}`).toContain(name);
  });
});

describe('whom it is shown to', () => {
  const setback = item(4, 'stage3_blocked', { stage: 3, loop_iteration: 2, content: 'Why it was refused.' });

  test('pupils see their pictures, numbered, without models and times', async () => {
    const told = await outline([journey[8] as ExecutionItem], { view: 'student' });
    expect(headings(told.body)).toEqual(['1 Image 1']);
    expect(everything(told)).not.toContain('sequence');
    expect(everything(told)).not.toContain('builtin');
  });

  test('the advanced see which config made it', async () => {
    const told = await outline([journey[0] as ExecutionItem, journey[8] as ExecutionItem], {
      view: 'advanced',
    });
    expect(headings(told.body)).toContain('1 Image 1 (SD 3.5 Large)');
  });

  test.each(['student', 'advanced', 'teacher', 'researcher', 'auditor', undefined] as const)(
    'every view (%s) is told what was refused, and why',
    async (view) => {
      const told = await outline([setback], { outputs_blocked: 1, ...(view === undefined ? {} : { view }) });
      expect(JSON.stringify(told.lead)).toContain('Why it was refused.');
    },
  );

  test('a picture that was withheld afterwards is not shown', async () => {
    const picture = Buffer.from('iVBORw0KGgoAAAANSUhEUg', 'base64');
    const held = (await import('node:crypto')).createHash('sha256').update(picture).digest('hex');
    const items = [
      item(1, 'output_image', { stage: 4, loop_iteration: 1, file_path: `/api/media/${held}` }),
      item(2, 'stage4_blocked', { stage: 4, loop_iteration: 1 }),
    ];
    const shown = await outlineOfRun(replayOf(recordOf(items.slice(0, 1)), { media: [picture] }), never);
    expect(JSON.stringify(shown.body)).toContain('"picture"');
    const told = await outlineOfRun(replayOf(recordOf(items), { media: [picture] }), never);
    expect(JSON.stringify(told.body)).not.toContain('"picture"');
    expect(JSON.stringify(told.body)).toContain('withheld');
  });

  test('a file that we do not hold is named', async () => {
    expect(everything(await outline(journey))).toContain('This file is not stored here: /old/place/1.png');
  });
});

describe('the table of contents', () => {
  test('a long run has one, a short one none', async () => {
    expect((await outline(journey)).isLong).toBe(false);
    const many = Array.from({ length: 40 }, (_, index) =>
      item(index + 1, 'user_input_text', { content: 'x' }),
    );
    expect((await outline(many)).isLong).toBe(true);
  });

  test('a level with very many headings is not listed', async () => {
    const many = Array.from({ length: 500 }, (_, index) =>
      item(index + 1, 'user_input_text', { content: 'x' }),
    );
    const { body } = await outline(many);
    expect(body.filter((block) => block.kind === 'heading' && block.isListed)).toHaveLength(1);
  });
});

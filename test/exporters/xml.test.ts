import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ExecutionItem } from '../../src/events/item.ts';
import type { Replay } from '../../src/exporters/contract.ts';
import { piecesOf } from '../../src/exporters/visible-text.ts';
import { slicesOf } from '../../src/exporters/xml-text.ts';
import { xmlExporter } from '../../src/exporters/xml.ts';
import type { ExecutionRecord } from '../../src/run/record.ts';
import { fixtureTexts } from '../import/source-record.ts';
import { importedRecord, itemOf, xmlOf } from './exported-xml.ts';
import { replayOf } from './replay-of.ts';
import { readRecord } from './xml-reader.ts';

const never = new AbortController().signal;
const dada = await importedRecord('exec_20251105_080000_f0e1d2c3');

/** The words in every place of a record where words may stand. */
const recordSaying = (words: string): ExecutionRecord => ({
  ...dada,
  config_name: words,
  ...({ told: [words, { [words]: words }], [`_${words}`]: null } as object),
  items: [itemOf({ content: words, file_path: words, config_used: words, metadata: { [words]: [words] } })],
});

const recordWith = (members: object): ExecutionRecord => ({ ...dada, items: [itemOf(members)] });

/** The very same JSON text, so the order of members and keys that objects treat specially count too. */
async function expectSame(record: ExecutionRecord): Promise<string> {
  const xml = await xmlOf(replayOf(record));
  const { items, ...header } = record;
  expect(JSON.stringify(readRecord(xml))).toBe(JSON.stringify({ ...header, items }));
  return xml.toString();
}

/** The element of the only item, from its name on. */
async function itemElementOf(members: object): Promise<string> {
  const xml = await expectSame(recordWith(members));
  return xml.slice(xml.indexOf('<item '), xml.indexOf('\n  </items>'));
}

describe('a record that went through XML is the very same record', () => {
  test.each([...fixtureTexts.keys()])('the old record %s', async (name) => {
    await expectSame(await importedRecord(name));
  });

  test.each([
    ['empty', ''],
    ['white space alone', ' \t\n '],
    ['leading and trailing white space', '\n\t a \t\n'],
    ['line ends of every kind', 'a\r\nb\rc\nd\u0085e\u2028f'],
    ['markup', '<content>&amp;&lt;&#65;</content><!-- --><?php ?>'],
    ['words that look escaped', '&lt;b&gt; &amp;amp; &quot; &apos; &#x41;'],
    ['the end of a CDATA section', ']]> <![CDATA[ ]]>'],
    ['a document type', '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>&e;'],
    ['quotes of both kinds', `"it's"`],
    ['a null character', 'a\u0000b'],
    ['an escape and a bell', '\u001B[31m\u0007'],
    ['noncharacters', '\uFFFE\uFFFF\u{1FFFF}'],
    ['half a character', '\uDE00 \uD83D'],
    ['halves in the wrong order', '\uDE00\uD83D'],
    ['a right-to-left override', 'invoice\u202Efdp.exe'],
    ['a byte order mark', '\uFEFFa'],
    ['an XML declaration', '<?xml version="1.0" encoding="UTF-16"?>'],
    ['a family', '👩‍👩‍👧‍👦 ❤️ 1️⃣'],
    ['scripts of many kinds', 'عربي עברית ไทย 漢字 नमस्ते می‌خواهم'],
    ['a key that objects treat specially', '__proto__'],
    ['a key that is a number', '7'],
    ['names of ours', 'content'],
  ])('%s', async (_, words) => {
    const xml = await expectSame(recordSaying(words));
    // Nothing in it is hidden, and nothing is active but the declaration and the elements.
    expect([...piecesOf(xml)]).toEqual([xml]);
    expect(xml.match(/<[?!]|&(?!(?:amp|lt|gt|quot);)/g)).toEqual(['<?']);
  });

  test.each([
    ['numbers as JSON prints them', { n: [0, -1, 1.5, 1e21, 5e-324, 1.7976931348623157e308, 0.1 + 0.2] }],
    ['what JSON has no words for', { gone: undefined, list: [undefined, Number.NaN, Infinity, -0] }],
    ['empty maps and arrays', { a: [], m: {}, all: [[], {}, [[]], [{}]] }],
    ['null, empty and missing', { a: null, b: '', c: [null, ''] }],
    ['truth and its word', { a: true, b: 'true', c: 1, d: '1', e: null, f: 'null' }],
    ['a key with a control character', { 'a\u0000b': 'x', 'tab\t': [], 'line\n': {}, '': null, ' ': ' ' }],
    ['keys that objects treat specially', JSON.parse('{"__proto__":{"__proto__":1},"constructor":2}')],
    ['a key too long for an attribute', { ['k'.repeat(9_000)]: 'v' }],
  ])('metadata with %s', async (_, metadata: object) => {
    await expectSame(recordWith({ metadata, extra: metadata }));
  });

  test('nesting as deep as the log takes it', async () => {
    const nested = (depth: number): unknown => (depth === 0 ? 'floor' : [{ '\t': nested(depth - 1) }]);
    await expectSame(recordWith({ metadata: { nested: nested(32) } }));
  });

  test('any JSON in the metadata, the header and beside the members of an item', async () => {
    const words = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 12 }),
      fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) }),
      fc.constantFrom('__proto__', '', '\r', '&lt;', ']]>', 'key', 'toString'),
    );
    const { json } = fc.letrec<{ json: unknown; map: unknown }>((tie) => ({
      json: fc.oneof(
        { maxDepth: 4 },
        words,
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('json'), { maxLength: 4 }),
        tie('map'),
      ),
      map: fc.dictionary(words, tie('json'), { maxKeys: 4 }),
    }));
    const map = fc.dictionary(words, json, { maxKeys: 4 });
    await fc.assert(
      fc.asyncProperty(map, map, fc.option(words), json, async (metadata, beside, content, odd) => {
        const named = Object.entries(beside).map(([key, value]) => [`x${key}`, value]);
        const extra = Object.fromEntries(named) as object;
        await expectSame({
          ...dada,
          ...extra,
          items: [itemOf({ content, metadata, model_used: odd, stage: odd, execution_time: odd, ...extra })],
        });
      }),
      { numRuns: 200 },
    );
  });

  test('the same bytes again for the same run', async () => {
    const record = recordSaying('the \u0007 same');
    expect((await xmlOf(replayOf(record))).equals(await xmlOf(replayOf(record)))).toBe(true);
  });
});

describe('the place of a member', () => {
  test('a known member with the value that it takes is an attribute, and null is none', async () => {
    const element = await itemElementOf({
      stage: 3,
      loop_iteration: 1,
      media_type: 'metadata',
      model_used: 'a "b" <c>',
      execution_time: 0.25,
      metadata: {},
    });
    expect(element).toBe(
      '<item sequence="1" stage="3" type="user_input_text" timestamp="2026-01-02T03:04:05.678Z" ' +
        'loop_iteration="1" media_type="metadata" model_used="a &quot;b&quot; &lt;c&gt;" execution_time="0.25">' +
        '\n      <metadata/>\n    </item>',
    );
  });

  test.each([
    ['a string for a number', { stage: '3' }, '<string key="stage">3</string>'],
    ['a fraction for an integer', { stage: 1.5 }, '<number key="stage">1.5</number>'],
    ['a number for a word', { model_used: 7 }, '<number key="model_used">7</number>'],
    ['an object', { execution_time: { s: 1 } }, '<map key="execution_time">'],
    ['a line end', { file_path: 'a\nb' }, '<string key="file_path">a\nb</string>'],
    ['a tab', { backend_used: '\t' }, '<string key="backend_used">\t</string>'],
    ['a hidden character', { config_used: 'a\u0007' }, '<string key="config_used">a<c u="0007"/></string>'],
    ['content that is no text', { content: ['a'] }, '<array key="content">'],
    ['metadata that is no object', { metadata: 'lost' }, '<string key="metadata">lost</string>'],
  ])('with %s it stands by its JSON name', async (_, members, entry) => {
    expect(await itemElementOf(members)).toContain(entry);
  });

  test('an unknown member that has an attribute’s name stays itself', async () => {
    const element = await itemElementOf({ sequence: 9, type: 'mine', item: null });
    expect(element).toContain('<number key="sequence">9</number>');
    expect(element).toContain('<null key="item"/>');
  });

  test('an erased content is absent, and the item says that it was erased', async () => {
    const element = await itemElementOf({ content: null, erased: true });
    expect(element).not.toContain('<content');
    expect(element).toContain('<boolean key="erased">true</boolean>');
  });

  test('characters that no reader sees are named where they stand', async () => {
    const element = await itemElementOf({ content: 'a\u0000b\u202Ec\r\n\uD800\u{E0041}' });
    expect(element).toContain(
      '<content>a<c u="0000"/>b<c u="202E"/>c<c u="000D"/>\n<c u="D800"/><c u="E0041"/></content>',
    );
  });
});

describe('a run of any length', () => {
  const long = Array.from({ length: 5_000 }, (_, index) =>
    itemOf({ content: 'a meadow of forgotten clocks; '.repeat(20), metadata: { index } }, index + 1),
  );
  const reading = (items: readonly ExecutionItem[], onItem: (index: number) => void = () => {}): Replay => ({
    ...replayOf(dada),
    // A source that has everything at hand and looks at no signal.
    async *items() {
      for (const [index, item] of items.entries()) {
        onItem(index);
        yield item;
      }
    },
  });

  /** The most bytes that were written between two turns of the event loop. */
  async function mostBytesATurn(replay: Replay): Promise<number> {
    let most = 0;
    let written = 0;
    let turn = setImmediate(function next() {
      written = 0;
      turn = setImmediate(next);
    });
    for await (const chunk of xmlExporter.export(replay, never)) {
      written += chunk.byteLength;
      most = Math.max(most, written);
    }
    clearImmediate(turn);
    return most;
  }

  test('5,000 items come back, and none is waited for before the first bytes', async () => {
    let asked = 0;
    const chunks: Uint8Array[] = [];
    for await (const chunk of xmlExporter.export(
      reading(long, (index) => {
        asked = index;
      }),
      never,
    )) {
      if (chunks.length === 0) expect(asked).toBeLessThan(60);
      chunks.push(chunk);
    }
    expect(readRecord(Buffer.concat(chunks))['items']).toEqual(long);
  });

  test('5,000 items let others in after every few of them', async () => {
    expect(await mostBytesATurn(reading(long))).toBeLessThan(65_536);
  });

  test.each([
    ['plain words', 'a meadow of clocks, '.repeat(40_960)],
    ['ampersands', '&'.repeat(819_200)],
    ['hidden characters', '\u202E'.repeat(273_066)],
    ['one endless family', '👩‍'.repeat(117_000)],
  ])('a line of 800 KiB of %s comes back, and lets others in meanwhile', async (_, line) => {
    const replay = replayOf(recordWith({ content: line }));
    expect(await mostBytesATurn(replay)).toBeLessThan(163_840);
    const xml = await xmlOf(replay);
    const [item] = readRecord(xml)['items'] as { content: string }[];
    expect(item?.content === line).toBe(true);
    // No character is cut in half on the way.
    expect(xml.includes('<c u="D')).toBe(false);
  });

  test('a long text is looked at in slices, and shows what the whole shows', () => {
    const words = [
      'Wiese ',
      '漢字',
      'नमस्ते क्‍ष',
      'می‌خواهم',
      '👩‍👩‍👧‍👦',
      '👍🏿❤️',
      '1️⃣',
      'a\u200Db',
      '葛\u{E0100}',
      '\u202E',
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...words), { minLength: 9, maxLength: 30 }), (chosen) => {
        const text = chosen.join('').repeat(1_000);
        const slices = [...slicesOf(text)];
        expect(Math.max(...slices.map(({ length }) => length))).toBeLessThanOrEqual(16_384);
        expect(slices.length).toBeGreaterThan(1);
        const hidden = (part: string): string =>
          [...piecesOf(part)].map((piece) => (typeof piece === 'number' ? `<${piece}>` : piece)).join('');
        expect(slices.map(hidden).join('') === hidden(text)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  test('an abort stops it within an item', async () => {
    const controller = new AbortController();
    let asked = 0;
    const replay = reading(long, (index) => {
      asked = index;
      if (index === 100) controller.abort(new Error('gone'));
    });
    const export_ = async (): Promise<void> => {
      for await (const _ of xmlExporter.export(replay, controller.signal));
    };
    await expect(export_()).rejects.toThrow('gone');
    expect(asked).toBe(100);
  });

  test('an abort stops it in the middle of a long item', async () => {
    const controller = new AbortController();
    const replay = reading([itemOf({ content: 'words '.repeat(136_533) })]);
    let chunks = 0;
    const export_ = async (): Promise<void> => {
      for await (const _ of xmlExporter.export(replay, controller.signal)) {
        chunks += 1;
        controller.abort(new Error('gone'));
      }
    };
    await expect(export_()).rejects.toThrow('gone');
    expect(chunks).toBe(1);
  });

  test('a reader that leaves closes the source', async () => {
    let isClosed = false;
    const replay: Replay = {
      ...replayOf(dada),
      async *items() {
        try {
          yield* long;
        } finally {
          isClosed = true;
        }
      },
    };
    let chunks = 0;
    for await (const _ of xmlExporter.export(replay, never)) if ((chunks += 1) === 3) break;
    expect(isClosed).toBe(true);
  });
});

import * as fc from 'fast-check';
import { strToU8, zipSync } from 'fflate';
import { describe, expect, test } from 'vitest';
import type { Outline } from '../../src/exporters/outline.ts';
import { visibleText } from '../../src/exporters/visible-text.ts';
import { pngOf } from './picture-bytes.ts';
import { faultsOf, readWordFile, type ReadParagraph, type WordFile } from './word-file.ts';
import {
  facts,
  heading,
  mediaOf,
  mediumOf,
  note,
  outlineWith,
  paragraphsOf,
  picture,
  runId,
  text,
  wordBytes,
} from './word-report.ts';

const wide = pngOf(300, 100);
const media = mediaOf(mediumOf(wide));

const hostile = {
  'markup of its own': 'a</w:t></w:r></w:p><w:p/> & <b> &amp; ]]> <!DOCTYPE x [<!ENTITY e "f">]> &e; <?pi?>',
  'fields and formulas':
    '{ HYPERLINK "http://a.example/" } { INCLUDETEXT "/etc/passwd" } =cmd()|x!A1 «PAGE» MERGEFIELD',
  'hidden characters': 'a\u0000b\u0007c\u202Ed\u2066e\uFEFFf\uFFFEg\uD800h\u{E0041}i',
  'white space': '  two before\tand\ta tab  \n\n   \n\ta line that begins with one\n',
  'only spaces': '     ',
  'nothing at all': '',
  'escapes of other formats': '_x0041_ \\u0041 &#65; %41 \\x41 \\par \\n',
  'right to left': 'חתול (Dada 3.0), וסופר \u202Eabc كوكب 12!\nDada and كوكب 12 and more\n!?',
  'many scripts': '古い劇場の猫 一只猫 고양이 बिल्ली แมว кошка γάτα 🐈‍⬛ 👩🏽‍🚀 🏴󠁧󠁢󠁳󠁣󠁴󠁿 e\u0301 ﷽',
  'an address':
    'http://a.example/?q=<script>alert(1)</script> mailto:a@b.example \\\\server\\share file:///etc',
} as const;

const lead = [note('This run was completed.', 'good'), facts({ Run: runId, Workflow: 'dada' })];
const documents: Readonly<Record<string, Outline>> = {
  'a run of nothing': outlineWith([], { title: '' }),
  'a telephone game': outlineWith(
    [
      heading(1, 'Transformation'),
      ...['en', 'ja', 'zh', 'ar', 'he', 'hi', 'ko', 'ru', 'xx-unknown-tag', 'zh-Hant-TW'].flatMap(
        (tag, index) => [
          heading(2, `Step ${index + 1}/8`),
          text(`${tag} قطة 猫\nline`, tag),
          facts({ Model: 'gpt-oss:20b', Took: '1.7 s' }),
          facts({ 'usage.input': '12', prompt: 'a\nb\tc' }, 'small'),
        ],
      ),
    ],
    { lead, isLong: true },
  ),
  'two outputs with pictures': outlineWith(
    [
      heading(1, 'Outputs'),
      heading(2, '1/2: sd35_large'),
      heading(3, 'Image 1'),
      picture(wide),
      picture(wide, '"<&>\n\t\''),
    ],
    { lead },
  ),
  'a blocked run in German': outlineWith(
    [heading(1, 'Eingabe'), text(hostile['markup of its own'], 'de'), facts({})],
    {
      language: 'de',
      title: 'Stille Post – „Ü“',
      lead: [note('Abgelehnt', 'warning'), text('Warum: …', 'de')],
    },
  ),
  'facts that end the report, twice': outlineWith([facts({ a: 'b' }), facts({ c: 'd' }, 'small')]),
  'a long run without a heading that is listed': outlineWith([heading(1, 'Input', false)], { isLong: true }),
  'hostile words in every place': outlineWith(
    Object.values(hostile).flatMap((words) => {
      const shown = visibleText(words);
      return [
        heading(1, shown),
        text(words, shown),
        facts({ [shown]: shown }),
        note(shown),
        picture(wide, shown, shown),
      ];
    }),
    {
      title: visibleText(hostile['markup of its own']),
      description: visibleText(hostile['white space']),
      isLong: true,
    },
  ),
};

/** Paragraphs of the report's words: without the gaps between tables and the table of contents. */
const told = (file: WordFile): ReadParagraph[] =>
  file.paragraphs().filter(({ style }) => style !== 'Gap' && !/^(?:TOC|Contents)/.test(style));
const styled = (file: WordFile, style: string): string[] =>
  file.paragraphs().flatMap((paragraph) => (paragraph.style === style ? [paragraph.text] : []));

describe('a Word report is valid, whole, and points to nothing outside', () => {
  test.each(Object.entries(documents))('%s', async (_, outline) => {
    const bytes = await wordBytes(outline, media);
    expect(await faultsOf(bytes)).toEqual([]);
    const file = readWordFile(bytes);
    expect(told(file).map((paragraph) => paragraph.text)).toEqual(paragraphsOf(outline));
    for (const part of [...file.parts.keys()].filter((name) => name.endsWith('.rels'))) {
      expect(file.find('//rel:Relationship/@TargetMode', part)).toEqual([]);
      for (const target of file.find('//rel:Relationship/@Target', part))
        expect(file.parts.has(target) || file.parts.has(`word/${target}`), target).toBe(true);
    }
    // Word drops spaces at the ends of a run that does not say so.
    expect(file.find('//w:t[not(@xml:space="preserve")]')).toEqual([]);
    expect(file.find('//w:t').filter((words) => /[\n\t]/.test(words))).toEqual([]);
    const instructions = file.find('//w:instrText | //w:fldSimple/@w:instr');
    expect(
      instructions.filter((instruction) => !/^ TOC \\o "1-[123]" \\n \\h \\z \\u $/.test(instruction)),
    ).toEqual([]);
  });

  test('the judge of validity has teeth', async () => {
    const bytes = await wordBytes(documents['a telephone game'] ?? outlineWith([]));
    const file = readWordFile(bytes);
    const broken = (from: string, to: string): Uint8Array =>
      zipSync({
        ...Object.fromEntries(file.parts),
        'word/document.xml': strToU8(file.partText('word/document.xml').replace(from, to)),
      });
    expect(await faultsOf(broken('<w:tr>', '<w:row>'))).not.toEqual([]);
    expect(await faultsOf(broken('w:type="fixed"', 'w:type="perhaps"'))).toHaveLength(1);
    expect(await faultsOf(broken('r:id="footer"', 'r:id="nothing"'))).not.toEqual([]);
  });

  test('a line of 800 KiB stands whole, in one paragraph', async () => {
    const line = `${'Wörter & <Zeichen> '.repeat(41_000)}${'x'.repeat(40_000)}`;
    const bytes = await wordBytes(outlineWith([text(line), facts({ prompt: line })]));
    expect(await faultsOf(bytes)).toEqual([]);
    expect(styled(readWordFile(bytes), 'Words')).toEqual([line]);
    expect(styled(readWordFile(bytes), 'FactValue')).toEqual([line]);
  });

  test('so does one that changes its direction with every word', async () => {
    const line = 'חתול and '.repeat(90_000);
    expect(styled(readWordFile(await wordBytes(outlineWith([text(line)]))), 'Words')).toEqual([line]);
  });

  test('of 5,000 items none is missing', async () => {
    const outline = outlineWith(
      Array.from({ length: 5_000 }, (_, index) => [
        heading(2, `Item ${index}`, false),
        text(`Words ${index}\nof two lines`),
        facts({ Item: String(index), Took: '1 s' }),
      ]).flat(),
    );
    const file = readWordFile(await wordBytes(outline));
    expect(told(file).map((paragraph) => paragraph.text)).toEqual(paragraphsOf(outline));
  });

  test('even words that nobody made visible give well-formed XML', async () => {
    const raw = 'a\u0000b\uD800c\uFFFEd\u001Fe';
    const file = readWordFile(
      await wordBytes(outlineWith([note(raw), picture(wide, raw)], { title: raw, description: raw }), media),
    );
    const shown = 'a⟨U+0000⟩b⟨U+D800⟩c⟨U+FFFE⟩d⟨U+001F⟩e';
    expect(styled(file, 'NotePlain')).toEqual([shown]);
    expect(file.find('//wp:docPr/@descr')).toEqual([shown]);
    expect(file.find('//*[local-name()="title"]', 'docProps/core.xml')).toEqual([shown]);
  });

  test('any text comes back as it is shown', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'binary', maxLength: 60 }),
        fc.string({ unit: 'grapheme' }),
        async (a, b) => {
          const outline = outlineWith([text(a), note(visibleText(b))]);
          const file = readWordFile(await wordBytes(outline));
          expect(told(file).map((paragraph) => paragraph.text)).toEqual(paragraphsOf(outline));
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('a Word report is made to be worked with', () => {
  test('headings, words, labels, notes and captions have styles of their own, and all of them exist', async () => {
    const bytes = await wordBytes(
      outlineWith(
        [
          heading(1, 'One'),
          heading(2, 'Two'),
          heading(3, 'Three'),
          text('Words'),
          facts({ a: 'b' }),
          facts({ c: 'd' }, 'small'),
        ],
        {
          lead: [
            note('Good', 'good'),
            note('Warning', 'warning'),
            note('Plain'),
            picture(wide, 'alt', 'Below'),
          ],
        },
      ),
      media,
    );
    const file = readWordFile(bytes);
    expect(told(file).map(({ style, text: words }) => [style, words])).toEqual([
      ['Title', 'Dada'],
      ['NoteGood', 'Good'],
      ['NoteWarning', 'Warning'],
      ['NotePlain', 'Plain'],
      ['Picture', ''],
      ['Caption', 'Below'],
      ['Heading1', 'One'],
      ['Heading2', 'Two'],
      ['Heading3', 'Three'],
      ['Words', 'Words'],
      ['FactLabel', 'a'],
      ['FactValue', 'b'],
      ['EvidenceLabel', 'c'],
      ['EvidenceValue', 'd'],
    ]);
    const known = file.find('//w:style[@w:type="paragraph"]/@w:styleId', 'word/styles.xml');
    expect(new Set(known).size).toBe(known.length);
    for (const style of [
      'Gap',
      'ContentsHeading',
      'TOC1',
      'TOC2',
      'TOC3',
      'Footer',
      ...told(file).map(({ style }) => style),
    ])
      expect(known).toContain(style);
    expect(
      file.find('//w:style[starts-with(w:name/@w:val, "Heading ")]/@w:styleId', 'word/styles.xml'),
    ).toContain('Heading1');
  });

  test('two tables that follow one another stay two', async () => {
    const file = readWordFile(await wordBytes(outlineWith([facts({ a: 'b' }), facts({ c: 'd' })])));
    expect(file.find('//w:tbl')).toHaveLength(2);
    expect(file.find('//w:tbl/following-sibling::*[1][self::w:tbl]')).toEqual([]);
  });

  test('its properties name the run, us, and the time of the run only', async () => {
    const file = readWordFile(await wordBytes(outlineWith([], { title: 'A & B', language: 'de' })));
    const property = (name: string): readonly string[] =>
      file.find(`//*[local-name()="${name}"]`, 'docProps/core.xml');
    expect(property('title')).toEqual(['A & B']);
    expect(property('creator')).toEqual(['runledger']);
    expect(property('description')).toEqual([`Run ${runId}`]);
    expect(property('created')).toEqual(['2026-03-01T10:15:00Z']);
    expect(property('modified')).toEqual(['2026-03-01T10:15:00Z']);
    expect(property('language')).toEqual(['de-DE']);
  });

  test('its pages are A4 and bear the id of the run, the page and how many there are', async () => {
    const file = readWordFile(await wordBytes(outlineWith([])));
    expect(file.find('//w:pgSz/@w:w | //w:pgSz/@w:h')).toEqual(['11906', '16838']);
    expect(file.find('//w:t', 'word/footer1.xml').join('')).toBe(`${runId} / `);
    expect(file.find('//w:instrText', 'word/footer1.xml')).toEqual(['PAGE', 'NUMPAGES']);
  });

  test('it is in the language of the report, and each text in that of its item', async () => {
    const file = readWordFile(
      await wordBytes(
        outlineWith(
          [
            text('猫', 'ja'),
            text('猫', 'zh'),
            text('قطة', 'ar'),
            text('chat', 'fr'),
            text('?', 'a"b'),
            text('x'),
          ],
          {
            language: 'de',
          },
        ),
      ),
    );
    expect(file.find('//w:docDefaults//w:lang/@w:val', 'word/styles.xml')).toEqual(['de-DE']);
    expect(file.find('//w:lang/@*')).toEqual(['ja-JP', 'zh-CN', 'ar-SA', 'fr-FR']);
    expect(file.find('//w:rFonts/@w:eastAsia')).toEqual(['Yu Gothic', 'Microsoft YaHei']);
    expect(file.find('//w:noProof')).toHaveLength(2);
  });

  test('a paragraph goes the way of its line, and each run the way of its letters', async () => {
    const file = readWordFile(
      await wordBytes(outlineWith([text('חתול (Dada 3.0), כוכב!\nDada חתול 12 כוכב end\nplain')])),
    );
    expect(file.paragraphs().map(({ isRightToLeft }) => isRightToLeft)).toEqual([false, true, false, false]);
    expect(file.find('//w:r[w:rPr/w:rtl]/w:t')).toEqual(['חתול (', '), כוכב!', 'חתול 12 כוכב']);
    expect(file.find('//w:r[not(w:rPr/w:rtl)]/w:t')).toEqual(['Dada', 'Dada 3.0', 'Dada ', ' end', 'plain']);
  });

  test('a long run has a table of contents that leads to each heading that is listed', async () => {
    const outline = outlineWith(
      [
        heading(1, 'Input'),
        heading(2, 'A <text>'),
        heading(3, 'Deep'),
        heading(1, 'End', false),
        heading(1, 'End'),
      ],
      { isLong: true, language: 'de' },
    );
    const file = readWordFile(await wordBytes(outline));
    expect(styled(file, 'ContentsHeading')).toEqual(['Inhalt']);
    expect(file.find('//w:hyperlink')).toEqual(['Input', 'A <text>', 'End']);
    const anchors = file.find('//w:hyperlink/@w:anchor');
    expect(file.find('//w:p[w:bookmarkStart]//w:t')).toEqual(['Input', 'A <text>', 'End']);
    expect(file.find('//w:bookmarkStart/@w:name')).toEqual(anchors);
    expect(file.find('//w:hyperlink/@r:id')).toEqual([]);
  });
});

import type { Replay } from '../../src/exporters/contract.ts';
import { item, recordOf } from './record-of.ts';
import { replayOf } from './replay-of.ts';

/** Texts that want to be something else than texts, and characters that no reader sees. */
export const hostileTexts: Readonly<Record<string, string>> = {
  'the end of a Word text': 'a</w:t></w:r></w:p><w:p><w:r><w:t>b',
  'the end of character data': ']]> and <![CDATA[ and <!-- and --> and <?xml ?>',
  'a document type': '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>&e;&amp;&#65;',
  'a formula': `=cmd()|'/c calc'!A1`,
  'a field': '{ HYPERLINK "http://a.example/" } { INCLUDETEXT "/etc/passwd" }',
  'a script': '<script>alert(1)</script><img src=x onerror=alert(2)>',
  typst:
    '#import "@preview/x": * #panic("x") $x^2$ *bold* _it_ `raw` @ref <label> = Heading // no /* no */ \\ #pagebreak()',
  markdown: '# Title\n- [link](http://a.example/)\n![x](file:///etc/passwd)',
  'an address': 'https://a.example/?q=1 mailto:a@b.example \\\\server\\share',
  null: 'before\u0000after',
  'a noncharacter': 'before\uFFFEafter \uFFFF',
  'controls of both tables': '\u0001\u0007\u001B[31mred\u001B[0m\u0085\u009F',
  'lone surrogates': 'a\uD800b\uDC00c',
  'right to left overrides': 'harmless\u202Etxt.exe\u202C \u2066isolated\u2069 \u061C',
  'zero width': 'a\u200Bb\uFEFFc\u00ADd\u2060e',
  'words in tags': `a\u{E0068}\u{E0069}b`,
  'line ends': 'one\r\ntwo\rthree\u2028four\u2029five\n\n\nsix',
  'white space': '  leading, \t tabs \t and trailing  ',
  'only spaces': '    ',
  empty: '',
  accents: 'Z\u0351\u036B\u0343\u0301\u0302a\u0308\u0323l\u0334g\u0321o',
  'a mark of another script': 'a\u093E b\u0E31 \u0301',
  emoji: '👩‍👩‍👧‍👦 🏴󠁧󠁢󠁳󠁣󠁴󠁿 🇩🇪 ❤️ 1️⃣ 👍🏿',
  scripts: 'Ελλάδα Россия العربية עברית हिन्दी ภาษาไทย 中文 日本語 한국어',
  'scripts that no font of ours has': 'ᏣᎳᎩ 𓀀 ꦗꦮ ⠓⠊',
};

const line = 'x'.repeat(800 * 1024);
const proto = JSON.parse('{"__proto__": {"polluted": "yes"}, "constructor": "c", "": "empty key"}') as object;

/** A run in which every text, key and name is hostile, with a line of 800 KiB. */
export const hostileRun = (): Replay =>
  replayOf(
    recordOf(
      [
        item(1, 'pipeline_start', { stage: 0, metadata: { ...proto, 'ke\u0007y</w:t>': 'va\u202Elue' } }),
        ...Object.entries(hostileTexts).map(([name, text], index) =>
          item(index + 2, index % 2 === 0 ? 'user_input_text' : 'hologram_of_x', {
            content: text,
            config_used: text === '' ? null : name,
            metadata: { [name]: text, list: [text, 'b'], deep: { deeper: { text } } },
          }),
        ),
        item(99, 'user_input_text', { content: line }),
      ],
      { config_name: `da\u202Eda ]]> #panic() </w:t>`, user_id: '<b>&amp;' },
    ),
  );

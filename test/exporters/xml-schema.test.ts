import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { XmlParseError, XmlValidateError } from 'libxml2-wasm';
import { describe, expect, test } from 'vitest';
import { importedRecord, itemOf, xmlOf } from './exported-xml.ts';
import { replayOf } from './replay-of.ts';
import { validate } from './xml-reader.ts';

const dada = await importedRecord('exec_20251105_080000_f0e1d2c3');

describe('run-1.xsd refuses', () => {
  const valid = itemOf({ content: 'a\u0007', metadata: { word: 'w', list: [1], '\t': true } });

  test.each([
    ['an element that it does not know', '<content>', '<remark/><content>'],
    ['an attribute that it does not know', '<item ', '<item colour="red" '],
    ['an item without its number', ' sequence="1"', ''],
    ['an item without its type', ' type="user_input_text"', ''],
    ['an item without its time', / timestamp="[^"]*"/, ''],
    ['a type that is no identifier', 'type="user_input_text"', 'type="User input"'],
    ['a stage that is no integer', ' type="user', ' stage="1.0" type="user'],
    ['a time that is none', 'T03:04:05.678Z', ' 03:04'],
    ['a tab in an attribute', ' type="user', ' model_used="a&#9;b" type="user'],
    ['a number that is none', '<number>1</number>', '<number>01</number>'],
    ['a truth that JSON does not know', '<boolean>true</boolean>', '<boolean>1</boolean>'],
    ['a code point in small letters', 'u="0007"', 'u="00a0"'],
    ['a code point of two digits', 'u="0007"', 'u="07"'],
    ['a code point beyond the last', 'u="0007"', 'u="110000"'],
    ['a code point that holds something', '<c u="0007"/>', '<c u="0007">a</c>'],
    ['markup in a text', '<content>', '<content><b>bold</b>'],
    ['text between members', '<metadata>', '<metadata>text'],
    ['a member without a name', '<string key="word">', '<string>'],
    ['an array’s value with a name', '<number>1</number>', '<number key="a">1</number>'],
    ['an entry without its name', /<key>.*?<\/key>/, ''],
    ['an entry of two values', '<boolean>true</boolean>', '<boolean>true</boolean><null/>'],
    ['a name that stands twice', '<string key="word">', '<null key="word"/><string key="word">'],
    ['two contents', '<content>', '<content/><content>'],
    [
      'two items of one number',
      '</items>',
      '<item sequence="1" type="mine" timestamp="2026-01-01T00:00:00Z"/></items>',
    ],
    ['items without the record’s own members', /<metadata>[^]*?<\/metadata>\s*<items>/, '<items>'],
    ['another namespace', 'urn:runledger:run:1', 'urn:runledger:run:2'],
  ])('%s', async (_, from: string | RegExp, to) => {
    const xml = (await xmlOf(replayOf({ ...dada, items: [valid] }))).toString();
    expect(() => validate(Buffer.from(xml))).not.toThrow();
    const wrong = xml.replace(from, to);
    expect(wrong).not.toBe(xml);
    expect(() => validate(Buffer.from(wrong))).toThrow(XmlValidateError);
  });

  test('and what is no XML at all is refused by the parser', () => {
    expect(() => validate(Buffer.from('<a>\u0007</a>'))).toThrow(XmlParseError);
  });
});

test('docs/xml.md shows an item exactly as it is written', async () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/xml.md'), 'utf8');
  const [, shown = 'nothing'] = /```xml\n([^]*?)```/.exec(page) ?? [];
  const xml = (await xmlOf(replayOf(dada))).toString();
  expect(xml).toContain(`\n${shown}`);
  expect(shown.match(/<item /g)).toHaveLength(1);
});

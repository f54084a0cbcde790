import { expect, test } from 'vitest';
import { preferredWait } from '../../src/http/prefer.ts';

test.each([
  ['wait=10', 10],
  ['WAIT = 10', 10],
  ['wait="7"', 7],
  ['wait=0', 0],
  ['respond-async, wait=5;foo=bar', 5],
  ['wait=5, wait=9', 5],
  ['handling="strict, wait=9", wait=4', 4],
  ['wait', undefined],
  ['wait=', undefined],
  ['wait=""', undefined],
])('Prefer: %s asks for a wait', (header, seconds) => {
  expect(preferredWait(header)).toEqual({ seconds });
});

test.each([
  '',
  'wait=soon',
  'wait=-1',
  'wait=1.5',
  'await=5',
  'wait=5"',
  'x="a, wait=9, b"',
  'return=minimal',
])('Prefer: %s asks for none', (header) => {
  expect(preferredWait(header)).toBeUndefined();
});

test('no Prefer asks for none', () => expect(preferredWait(undefined)).toBeUndefined());

test('a Prefer that is too long to be meant asks for none', () => {
  expect(preferredWait(`wait=1;${' '.repeat(993)}`)).toEqual({ seconds: 1 });
  expect(preferredWait(`wait=1;${' '.repeat(994)}`)).toBeUndefined();
});

import { attributeText, textParts } from './xml-text.ts';

/**
 * Members of an object, each an element that is named after the JSON type of its value and has the member's name as
 * `key`: `<string key="prompt_id">…</string>`. A name that an attribute cannot carry makes it an `<entry>` of `<key>`
 * and value. `indent` is a line feed and the spaces before each of them.
 */
export function* memberElements(
  members: Iterable<readonly [string, unknown]>,
  indent: string,
): Generator<string, void, undefined> {
  for (const [name, value] of members) {
    if (value === undefined) continue;
    const key = attributeText(name);
    if (key === undefined) yield* entryElement(name, value, indent);
    else yield* valueElement(value, ` key="${key}"`, indent);
  }
}

function* entryElement(name: string, value: unknown, indent: string): Generator<string, void, undefined> {
  yield `${indent}<entry>${indent}  <key>`;
  yield* textParts(name);
  yield '</key>';
  yield* valueElement(value, '', `${indent}  `);
  yield `${indent}</entry>`;
}

function* valueElement(value: unknown, key: string, indent: string): Generator<string, void, undefined> {
  if (typeof value === 'string') yield* textElement('string', value, indent, key);
  else if (Array.isArray(value)) yield* listElement('array', elementsOf(value, `${indent}  `), key, indent);
  else if (typeof value === 'object' && value !== null)
    yield* listElement('map', memberElements(Object.entries(value), `${indent}  `), key, indent);
  else yield scalarElement(value, key, indent);
}

/** An element that holds nothing but a text. */
export function* textElement(
  name: string,
  text: string,
  indent: string,
  attributes = '',
): Generator<string, void, undefined> {
  yield `${indent}<${name}${attributes}>`;
  yield* textParts(text);
  yield `</${name}>`;
}

/** An element that holds nothing but elements, written as an empty one where there are none. */
export function* listElement(
  name: string,
  children: Iterable<string>,
  attributes: string,
  indent: string,
): Generator<string, void, undefined> {
  let isEmpty = true;
  for (const child of children) {
    if (isEmpty) yield `${indent}<${name}${attributes}>`;
    isEmpty = false;
    yield child;
  }
  yield isEmpty ? `${indent}<${name}${attributes}/>` : `${indent}</${name}>`;
}

function* elementsOf(values: readonly unknown[], indent: string): Generator<string, void, undefined> {
  for (const value of values) yield* valueElement(value, '', indent);
}

/** As JSON prints it: a number that is none is null there too. */
function scalarElement(value: unknown, key: string, indent: string): string {
  const json = JSON.stringify(value ?? null);
  return json === 'null'
    ? `${indent}<null${key}/>`
    : `${indent}<${typeof value}${key}>${json}</${typeof value}>`;
}

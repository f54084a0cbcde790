import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ParseOption, XmlDocument, XmlElement, XmlText, type XmlTreeNode, XsdValidator } from 'libxml2-wasm';

const namespace = 'urn:runledger:run:1';

/** The attributes of an item and the members that they carry, in the order in which a record has these. */
const itemMembers = [
  ['sequence_number', 'sequence', Number],
  ['timestamp', 'timestamp', String],
  ['stage', 'stage', Number],
  ['stage_iteration', 'stage_iteration', Number],
  ['loop_iteration', 'loop_iteration', Number],
  ['media_type', 'media_type', String],
  ['item_type', 'type', String],
  ['content', null, String],
  ['file_path', 'file_path', String],
  ['config_used', 'config_used', String],
  ['model_used', 'model_used', String],
  ['backend_used', 'backend_used', String],
  ['execution_time', 'execution_time', Number],
  ['metadata', null, String],
] as const;

const schema = XsdValidator.fromDoc(
  XmlDocument.fromBuffer(readFileSync(join(import.meta.dirname, '../../docs/run-1.xsd'))),
);

/** Parses as strictly as any reader may: no network, no entities from outside, nothing recovered. Throws what is wrong. */
export function withDocument<Result>(xml: Uint8Array, read: (document: XmlDocument) => Result): Result {
  const document = XmlDocument.fromBuffer(xml, {
    option: ParseOption.XML_PARSE_NONET | ParseOption.XML_PARSE_NO_XXE | ParseOption.XML_PARSE_PEDANTIC,
  });
  try {
    return read(document);
  } finally {
    document.dispose();
  }
}

/** Throws XmlValidateError where the document is not of docs/run-1.xsd. */
export const validate = (xml: Uint8Array): void => withDocument(xml, (document) => schema.validate(document));

/** The record that a valid document tells, as plain JSON. */
export function readRecord(xml: Uint8Array): Record<string, unknown> {
  return withDocument(xml, (document) => {
    schema.validate(document);
    const [metadata, items] = elementsOf(document.root);
    if (metadata === undefined || items === undefined) throw new Error('metadata and items are missing');
    return { ...mapOf(metadata), items: elementsOf(items).map(itemOf) };
  });
}

function itemOf(item: XmlElement): Record<string, unknown> {
  const members = new Map<string, unknown>(
    itemMembers.map(([member, attribute, valueOf]) => {
      const written = attribute === null ? null : item.attr(attribute);
      return [member, written === null ? null : valueOf(written.value)];
    }),
  );
  for (const child of elementsOf(item)) {
    if (child.name === 'content') members.set('content', textOf(child));
    else if (child.name === 'metadata') members.set('metadata', mapOf(child));
    else members.set(...memberOf(child));
  }
  return Object.fromEntries(members);
}

const mapOf = (map: XmlElement): Record<string, unknown> => Object.fromEntries(elementsOf(map).map(memberOf));

function memberOf(element: XmlElement): [string, unknown] {
  if (element.name !== 'entry') return [element.attr('key')?.value ?? '', valueOf(element)];
  const [key, value] = elementsOf(element);
  if (key === undefined || value === undefined) throw new Error('an entry without key and value');
  return [textOf(key), valueOf(value)];
}

function valueOf(element: XmlElement): unknown {
  switch (element.name) {
    case 'string':
      return textOf(element);
    case 'number':
      return Number(element.content);
    case 'boolean':
      return element.content === 'true';
    case 'null':
      return null;
    case 'map':
      return mapOf(element);
    case 'array':
      return elementsOf(element).map(valueOf);
    default:
      throw new Error(`no value: ${element.name}`);
  }
}

function textOf(element: XmlElement): string {
  let text = '';
  for (const node of childrenOf(element)) {
    if (node instanceof XmlText) text += node.content;
    else if (node instanceof XmlElement && node.name === 'c')
      text += String.fromCodePoint(Number.parseInt(node.attr('u')?.value ?? '', 16));
    else throw new Error('more than text in a text');
  }
  return text;
}

const elementsOf = (element: XmlElement): XmlElement[] =>
  childrenOf(element).filter((node) => node instanceof XmlElement);

function childrenOf(element: XmlElement): XmlTreeNode[] {
  if (element.namespaceUri !== namespace) throw new Error(`not of ours: ${element.namespaceUri}`);
  const children: XmlTreeNode[] = [];
  for (let child = element.firstChild; child !== null; child = child.next) children.push(child);
  return children;
}

import { create } from 'xmlbuilder2';
import type { XMLBuilder } from 'xmlbuilder2/lib/interfaces.js';
import type { Replay } from '../../src/exporters/contract.ts';

const attributes = [
  ['sequence', 'sequence_number'],
  ['stage', 'stage'],
  ['type', 'item_type'],
  ['timestamp', 'timestamp'],
  ['stage_iteration', 'stage_iteration'],
  ['media_type', 'media_type'],
  ['config_used', 'config_used'],
  ['model_used', 'model_used'],
  ['backend_used', 'backend_used'],
  ['execution_time', 'execution_time'],
] as const;

/** The same document by xmlbuilder2: all of it as a tree, then as one string. It hides nothing and checks no character. */
export async function xmlbuilderBaseline({ header, items }: Replay): Promise<Uint8Array> {
  const root = create({ version: '1.0', encoding: 'UTF-8' }).ele('urn:runledger:run:1', 'execution_record');
  addMembers(root.ele('metadata'), header);
  const list = root.ele('items');
  for await (const item of items(new AbortController().signal)) {
    const element = list.ele(
      'item',
      Object.fromEntries(attributes.map(([name, member]) => [name, String(item[member])])),
    );
    element.ele('content').txt(item.content ?? '');
    addMembers(element.ele('metadata'), item.metadata);
  }
  return Buffer.from(root.end({ prettyPrint: false }));
}

function addMembers(parent: XMLBuilder, members: object): void {
  for (const [key, value] of Object.entries(members)) addValue(parent, value, { key });
}

function addValue(parent: XMLBuilder, value: unknown, key: { readonly key?: string }): void {
  if (value === null) parent.ele('null', key);
  else if (Array.isArray(value)) {
    const array = parent.ele('array', key);
    for (const one of value) addValue(array, one, {});
  } else if (typeof value === 'object') addMembers(parent.ele('map', key), value);
  else parent.ele(typeof value, key).txt(typeof value === 'string' ? value : JSON.stringify(value));
}

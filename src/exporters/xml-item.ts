import type { ExecutionItem } from '../events/item.ts';
import { attributeText } from './xml-text.ts';
import { listElement, memberElements, textElement } from './xml-value.ts';

type Attribute = {
  readonly name: string;
  /** The value as the attribute carries it; undefined where that would not give it back. */
  readonly write: (value: unknown) => string | undefined;
};

const text = (value: unknown): string | undefined =>
  typeof value === 'string' ? attributeText(value) : undefined;
const number = (value: unknown): string | undefined =>
  Number.isFinite(value) ? JSON.stringify(value) : undefined;
const integer = (value: unknown): string | undefined =>
  Number.isSafeInteger(value) ? JSON.stringify(value) : undefined;

/** Members that are attributes of an item, in the order in which they stand. */
const attributes: ReadonlyMap<string, Attribute> = new Map([
  ['sequence_number', { name: 'sequence', write: integer }],
  ['stage', { name: 'stage', write: integer }],
  ['item_type', { name: 'type', write: text }],
  ['timestamp', { name: 'timestamp', write: text }],
  ['stage_iteration', { name: 'stage_iteration', write: integer }],
  ['loop_iteration', { name: 'loop_iteration', write: integer }],
  ['media_type', { name: 'media_type', write: text }],
  ['config_used', { name: 'config_used', write: text }],
  ['model_used', { name: 'model_used', write: text }],
  ['backend_used', { name: 'backend_used', write: text }],
  ['execution_time', { name: 'execution_time', write: number }],
  ['file_path', { name: 'file_path', write: text }],
]);

/**
 * One item. Its known members are attributes, `<content>` and `<metadata>` where their values have the type that they
 * should; every other member, and every other value, stands behind them by its JSON name. What is null is left out.
 */
export function* itemElement(item: ExecutionItem, indent: string): Generator<string, void, undefined> {
  const others = new Map<string, unknown>(Object.entries(item));
  for (const member of knownMembers) if (others.get(member) === null) others.delete(member);
  let written = '';
  for (const [member, { name, write }] of attributes) {
    const value = write(others.get(member));
    if (value === undefined) continue;
    written += ` ${name}="${value}"`;
    others.delete(member);
  }
  yield* listElement('item', childrenOf(others, `${indent}  `), written, indent);
}

const knownMembers: readonly string[] = [...attributes.keys(), 'content', 'metadata'];

/** Takes content and metadata from the members that no attribute carries, and writes what is left behind them. */
function* childrenOf(others: Map<string, unknown>, indent: string): Generator<string, void, undefined> {
  const content = others.get('content');
  if (typeof content === 'string') {
    others.delete('content');
    yield* textElement('content', content, indent);
  }
  const metadata = others.get('metadata');
  if (typeof metadata === 'object' && metadata !== null && !Array.isArray(metadata)) {
    others.delete('metadata');
    yield* listElement('metadata', memberElements(Object.entries(metadata), `${indent}  `), '', indent);
  }
  yield* memberElements(others, indent);
}

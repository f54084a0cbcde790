import { type ExecutionItem, executionItem } from '../events/item.ts';

const missing: Readonly<Record<string, unknown>> = { metadata: {} };

/**
 * An item whose members have the types they are said to have. An imported record keeps a value that its member does not
 * take at its place; here it stands beside, under `recorded`, so that it is told and nobody trips over it.
 */
export function readableItem(item: ExecutionItem): ExecutionItem {
  if (executionItem.safeParse(item).success) return item;
  const sound: Record<string, unknown> = { ...item };
  const recorded: Record<string, unknown> = {};
  for (const [member, schema] of Object.entries(executionItem.shape)) {
    const value = sound[member];
    if (schema.safeParse(value).success) continue;
    recorded[member] = value;
    sound[member] = missing[member] ?? null;
  }
  const { recorded: own } = item;
  return {
    ...(sound as ExecutionItem),
    recorded: own === undefined ? recorded : { ...recorded, recorded: own },
  };
}

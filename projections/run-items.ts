import { z } from 'zod';
import { mergeItem } from '../src/events/item.ts';
import { type Projection, textTable } from '../src/projector/projection.ts';
import { executionIdOf } from '../src/run/record.ts';

/** By [execution id, sequence number]: ExecutionItem as ready JSON. */
export const itemsTable = textTable('items', z.string());

/** Every item of every run, ready to be sent, for records and for paging. */
export default function runItems(): Projection {
  return {
    name: 'run-items',
    version: '1',
    tables: [itemsTable],
    handle(events, view) {
      for (const { stream, event } of events) {
        const id = executionIdOf(stream);
        if (id === undefined) continue;
        const { core, payload, erased } = event;
        view.put(itemsTable, [id, core.seq], JSON.stringify(mergeItem(core, payload, erased)));
      }
    },
  };
}

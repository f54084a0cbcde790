/**
 * A process that lives for one run and one filtered page: `node fresh-process.js <directory> <last position> <its event
 * id> <execution id>`. The log behind it is only what a projector asks at its start: is this event there?
 */
import type { EventStore } from '../../src/event-store/port.ts';
import { loadProjections } from '../../src/projector/loader.ts';
import { openProjector } from '../../src/projector/projector.ts';
import { createRunLists } from '../../src/queries/run-list.ts';
import { readRecord } from '../../src/queries/run-record.ts';
import { readOnlyStore } from './recorded-log.ts';

const [directory = '', position = '', id = '', executionId = ''] = process.argv.slice(2);
const bytes = new Uint8Array();
const last = { id, position, type: '', stream: '', revision: 0, core: bytes, hash: bytes, sealed: null };
const store: EventStore = {
  ...readOnlyStore([]),
  async *readAll() {
    yield last;
  },
};
const began = performance.now();
const projections = await loadProjections({ timeZone: 'Europe/Berlin' });
const projector = await openProjector({
  directory,
  store,
  projections,
  keyOf: () => undefined,
  now: Date.now,
});
const { total, texts } = createRunLists(projector).list(
  { config: 'stillepost', execution_mode: 'eco', user_id: 'pupil-7' },
  { limit: 20, offset: 0 },
);
const { text } = readRecord(projector, executionId);
if (total === 0 || texts.length === 0 || text === '') throw new Error('found nothing');
// Without the imports above, which cost the same at any size of the log.
console.log(performance.now() - began);
await projector.close();

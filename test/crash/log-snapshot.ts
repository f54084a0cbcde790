/** Opens a snapshot beside a running service, counts its events, prints `events N`, and copies it. Arguments: directory, target. */
import { openLmdbSnapshot } from '../../src/event-store/lmdb/log.ts';

const [directory = '', target = ''] = process.argv.slice(2);
const snapshot = await openLmdbSnapshot({ directory });
let events = 0;
for await (const event of snapshot.readAll()) {
  if (event.core.length > 0) events += 1;
}
process.stdout.write(`events ${events}\n`);
await snapshot.backup(target);
await snapshot.close();

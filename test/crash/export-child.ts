/**
 * A process that exports every run of a data directory and kills itself: `export-child.js DIR N` asks for an export, or
 * goes on with what is there, and ends with SIGKILL right after its N-th change of a file. It prints the id of the export,
 * and each run that it renders.
 */
import type { ExportFiles } from '../../src/service/export-files.ts';
import { everything, openExportBench } from '../service/export-bench.ts';

const [directory = '', at = '0'] = process.argv.slice(2);
let changes = 0;

const dying =
  <A extends readonly unknown[], T>(change: (...args: A) => Promise<T>) =>
  async (...args: A): Promise<T> => {
    const result = await change(...args);
    changes += 1;
    if (changes !== Number(at)) return result;
    process.kill(process.pid, 'SIGKILL');
    return new Promise(() => undefined);
  };

const bench = await openExportBench({
  directory,
  files: (files: ExportFiles) => ({
    ...files,
    writeStream: dying(files.writeStream),
    rename: dying(files.rename),
    sync: dying(files.sync),
    syncFolder: dying(files.syncFolder),
    makeFolder: dying(files.makeFolder),
    remove: dying(files.remove),
    removeFolder: dying(files.removeFolder),
  }),
});
await bench.jobs.clearUp();
bench.jobs.goOn();
const { exports } = await bench.jobs.desk.list({ limit: 1, offset: 0 });
const id = exports[0]?.id ?? (await bench.jobs.desk.start(everything)).id;
const { status } = await bench.settled(id);
process.stdout.write(`${JSON.stringify({ id, status, rendered: bench.rendered })}\n`);
await bench.close();

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { LedgerError } from '../errors.ts';
import { availableFormats, exporterFor } from '../exporters/registry.ts';
import type { Service } from '../http/service.ts';
import type { ExportFiles } from './export-files.ts';
import type { ExportRun } from './export-work.ts';

type Parts = {
  /** For files that are being written; what an earlier process left there is thrown away. */
  readonly directory: string;
  readonly files: ExportFiles;
  readonly openReplay: Service['openReplay'];
};

/** Exports single runs into files, inside this process. */
export async function openPlainExportRun({ directory, files, openReplay }: Parts): Promise<ExportRun> {
  await files.removeFolder(directory);
  let made = 0;
  return async ({ executionId, format, ...telling }, signal) => {
    const exporter = exporterFor(format);
    if (exporter === undefined)
      throw new LedgerError('FORMAT_NOT_AVAILABLE', { format, available: availableFormats });
    const replay = await openReplay(executionId, telling, signal);
    if (replay === undefined) throw new LedgerError('EXECUTION_NOT_FOUND', { execution_id: executionId });
    const fileName = `${executionId}.${exporter.extension}`;
    made += 1;
    const path = join(directory, `${made}-${fileName}`);
    const hash = createHash('sha256');
    let sizeBytes = 0;
    const chunks = exporter.export(replay, signal);
    async function* measured(): AsyncGenerator<Uint8Array> {
      for await (const chunk of chunks) {
        hash.update(chunk);
        sizeBytes += chunk.byteLength;
        yield chunk;
      }
    }
    const remove = (): Promise<void> => files.remove(path);
    await files.makeFolder(directory);
    try {
      await files.writeStream(path, measured(), signal);
    } catch (error) {
      await remove();
      throw error;
    }
    return { path, mediaType: exporter.mime, fileName, sizeBytes, sha256: hash.digest('hex'), remove };
  };
}

import { isLedgerError, LedgerError } from '../errors.ts';
import type { Position } from '../event-store/port.ts';
import { taxonomyVersion } from '../events/core.ts';
import { decodeEvent } from '../events/envelope.ts';
import type { ItemDraft } from '../events/item.ts';
import {
  evolveExport,
  type ExportJob,
  exportStreamOf,
  type ExportType,
  isExportId,
} from '../exporters/export-job.ts';
import { createStreamWriter } from '../run/stream-writer.ts';
import type { StreamParts } from './workflow-stream.ts';

type JobStatus = ExportJob['status'] | 'none';

/** Something that becomes of a job. */
export type JobChange = {
  readonly type: ExportType;
  readonly content?: string | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  /** HMAC of the request that began it. */
  readonly requestKey?: string | undefined;
};

/** The streams of export jobs. */
export type ExportStreams = {
  /** Resolves once durable. Throws EXPORT_STATUS where the job's stream says that this cannot become of it. */
  readonly append: (id: string, change: JobChange) => Promise<Position | null>;
  /** Throws EXPORT_NOT_FOUND, also for what is no id. */
  readonly read: (id: string) => Promise<ExportJob>;
};

/** From which statuses what may become of a job, and how that is called. */
const rules: Readonly<Record<ExportType, { readonly from: readonly JobStatus[]; readonly action: string }>> =
  {
    export_requested: { from: ['none'], action: 'requested' },
    export_finished: { from: ['open'], action: 'finished' },
    export_failed: { from: ['open'], action: 'stopped' },
    export_cancelled: { from: ['open', 'failed'], action: 'cancelled' },
    export_resumed: { from: ['failed'], action: 'resumed' },
    export_expired: { from: ['finished', 'failed'], action: 'removed' },
  };

/** People ask for these; the others are our own doing. */
const asked: readonly ExportType[] = ['export_requested', 'export_cancelled', 'export_resumed'];

export function createExportStreams(parts: StreamParts): ExportStreams {
  const writer = createStreamWriter<ExportJob | null>({
    ...parts,
    initial: null,
    // Without payloads: what may become of a job does not depend on its filter.
    fold: (state, core) => evolveExport(state, core, null),
  });
  return {
    async append(id, { type, content, metadata, requestKey }) {
      const draft: ItemDraft = { item_type: type, stage: 0, media_type: 'metadata', content, metadata };
      const { position } = await writer.write({
        stream: exportStreamOf(id),
        actor: asked.includes(type) ? { kind: 'client', id: 'http' } : { kind: 'service', id: 'exports' },
        tax: taxonomyVersion,
        requestKey,
        items: [{ draft }],
        decide: (state) => {
          const { from, action } = rules[type];
          const status = state?.status ?? 'none';
          if (!from.includes(status)) throw wrongStatus(id, status, action);
        },
      });
      return position;
    },
    async read(id) {
      if (!isExportId(id)) throw new LedgerError('EXPORT_NOT_FOUND', { export_id: id });
      const stream = exportStreamOf(id);
      let job: ExportJob | null = null;
      try {
        for await (const stored of parts.store.readStream(stream)) {
          const { core, payload } = decodeEvent(stored, parts.keys.keyOf(stream));
          job = evolveExport(job, core, payload);
        }
      } catch (error) {
        if (!isLedgerError(error, 'STREAM_NOT_FOUND')) throw error;
      }
      if (job === null) throw new LedgerError('EXPORT_NOT_FOUND', { export_id: id });
      return job;
    },
  };
}

export const wrongStatus = (id: string, status: string, action: string): LedgerError =>
  new LedgerError('EXPORT_STATUS', { export_id: id, current_status: status, action });

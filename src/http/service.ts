import type { FastifyReply } from 'fastify';
import type { Rung } from '../audit/ladder.ts';
import type { Position } from '../event-store/port.ts';
import type { Language } from '../events/localized.ts';
import type { ExportJob } from '../exporters/export-job.ts';
import type { View } from '../exporters/view.ts';
import type { TilePath } from '../ledger/tile-path.ts';
import type { ImportReport } from '../import/import-batch.ts';
import type { InvariantResult } from '../ledger/invariants.ts';
import type { OpenMedium, StoredMedium } from '../media/media-store.ts';
import type { Waited } from '../projector/progress.ts';
import type { Projector } from '../projector/projector.ts';
import type { ConsistencyProof, HeadsProof, InclusionProof, SignedCheckpoint } from '../queries/ledger.ts';
import type { Gap } from '../queries/as-of.ts';
import type { AuditedRuns } from '../queries/audited-runs.ts';
import type { DecisionQueries } from '../queries/decisions.ts';
import type { RunFilter, RunListQuery } from '../queries/run-list.ts';
import type { RecordText } from '../queries/run-record.ts';
import type { FaultPage, FaultQuery } from '../queries/violations.ts';
import type { StandingDocument, VersionEntry } from '../queries/workflows.ts';
import type { ExecutionRecord } from '../run/record.ts';
import type { Recorder } from '../run/recorder.ts';
import type { LibraryDocument } from '../workflows/document.ts';
import type { WorkflowLibrary } from '../workflows/library.ts';
import type { ReplayDesk } from './replay-contract.ts';
import type { ReviewDesk } from './review-contract.ts';
import type { TimeMachine } from './time-machine-port.ts';

export type RunStats = {
  readonly total_records: number;
  /** Stored events and payloads. */
  readonly total_size_bytes: number;
  readonly by_status: Readonly<Record<string, number>>;
};

/** What the read models answer. Each throws PROJECTION_STOPPED while the one it needs is not running. */
export type RunQueries = {
  /** Newest first; ready-made JSON texts of the summaries, and the exact number of all that match. */
  readonly list: RunListQuery;
  /** The whole record as JSON text, and its version. Throws EXECUTION_NOT_FOUND. */
  readonly record: (executionId: string) => RecordText;
  /** The record without its items as JSON text. Throws EXECUTION_NOT_FOUND. */
  readonly header: (executionId: string) => RecordText;
  readonly stats: () => RunStats;
};

/** Publishing and reading workflows and output configs; all of it throws PROJECTION_STOPPED while their read model does not run. */
export type WorkflowDesk = {
  /** What can be run now. */
  readonly library: WorkflowLibrary;
  /** A document as it stands, retired ones too. Throws WORKFLOW_NOT_FOUND. */
  readonly standing: (id: string) => StandingDocument;
  /** Newest first. Throws WORKFLOW_NOT_FOUND. */
  readonly versions: (id: string) => readonly VersionEntry[];
  /** Throws WORKFLOW_NOT_FOUND, VERSION_NOT_FOUND. */
  readonly version: (id: string, version: number) => StandingDocument;
  /**
   * Publishes over the version `expected`; `created` where none could be run. The content that stands there already
   * changes nothing, and its position is null. Throws WORKFLOW_VERSION, WORKFLOW_INVALID, WORKFLOW_IN_USE, UNAVAILABLE.
   */
  readonly put: (
    document: LibraryDocument,
    expected: number | 'none',
  ) => Promise<{
    readonly version: number;
    readonly sha256: string;
    readonly created: boolean;
    readonly position: Position | null;
  }>;
  /** Throws WORKFLOW_NOT_FOUND for what cannot be run anyhow, WORKFLOW_VERSION, WORKFLOW_IN_USE, UNAVAILABLE. */
  readonly retire: (id: string, expected: number) => Promise<Position | null>;
};

export type ProjectionStatus = {
  readonly name: string;
  readonly version: string | number;
  readonly state: string;
  readonly lagEvents: number;
  readonly lagSeconds: number;
  readonly error?: string | undefined;
};

export type StartRequest = {
  /** The workflow's id. */
  readonly workflow: string;
  readonly input_text: string;
  /** Digests of uploaded pictures, or the addresses that the upload gave. */
  readonly input_images: readonly string[];
  readonly execution_mode: 'eco' | 'fast';
  readonly safety_level: string;
  readonly level_set_by: 'request' | 'default';
  readonly user_id: string;
  readonly session_id: string;
  readonly seed?: number | undefined;
  readonly request_timestamp?: string | undefined;
  readonly scope?: { readonly type: string; readonly id: string } | undefined;
};

/** A request that starts something at most once: the client's key, the kind of request, and its body. */
export type IdempotentRequest = { readonly key: string; readonly what: string; readonly body: unknown };

export type Started = {
  readonly executionId: string;
  /** RFC 3339, UTC. */
  readonly startedAt: string;
  /** Where its start stands in the log; null where an earlier request with the same key began it. */
  readonly position: Position | null;
  readonly isNew: boolean;
};

export type Executed = {
  readonly record: ExecutionRecord;
  readonly steps: StepCount;
  readonly position: Position | null;
};

/** Where steering a run has led. */
export type Steered = { readonly record: ExecutionRecord; readonly position: Position | null };
type Steer = (executionId: string, reason: string | undefined) => Promise<Steered>;

/** What can be asked of the Merkle tree over the log (docs/ledger.md). Each throws PROJECTION_STOPPED while its read model does not run. */
export type LedgerDesk = {
  /** Signs what the log has now unless that is signed, and resolves with the newest checkpoint: for the export of an open run. */
  readonly sign: (signal?: AbortSignal) => Promise<SignedCheckpoint | undefined>;
  /** Every key that the log published, as it is pinned; the last one signs. */
  readonly keys: () => readonly string[];
  /** The newest checkpoint, or the earliest of at least so many events. Throws CHECKPOINT_MISSING. */
  readonly checkpoint: (size?: number) => SignedCheckpoint;
  /** Throws TREE_SIZE. */
  readonly consistency: (from: number, to: number) => ConsistencyProof;
  /**
   * The proof of an event under the earliest checkpoint that covers it, or that has at least `size` events. `hash` is the
   * leaf, base64. Throws EVENT_NOT_FOUND, CHECKPOINT_MISSING.
   */
  readonly proof: (
    executionId: string,
    seq: number,
    size?: number,
  ) => {
    readonly stream: string;
    readonly seq: number;
    readonly hash: string;
    readonly checkpoint: SignedCheckpoint;
    readonly proof: InclusionProof;
  };
  /** The head of a run under the earliest checkpoint that covers it. Throws EXECUTION_NOT_FOUND, CHECKPOINT_MISSING. */
  readonly heads: (executionId: string) => {
    readonly checkpoint: SignedCheckpoint;
    readonly proof: HeadsProof;
  };
  /** The hashes of a tile; undefined where the newest signed tree does not have so many of them. */
  readonly tile: (path: TilePath) => Buffer | undefined;
  /** The cores of a tile's events, each after its length in two bytes; undefined where they are not all signed. */
  readonly entries: (path: TilePath, signal: AbortSignal) => Promise<Buffer | undefined>;
};

/** What a run was to check, in order, and how each of it ended. */
export type RunLadder = {
  /** The last item that is in it. */
  readonly sequenceNumber: number;
  readonly policy: { readonly id: string; readonly version: number; readonly sha256: string } | null;
  readonly safetyLevel: string | null;
  readonly gaps: readonly Gap[];
  readonly rungs: readonly Rung[];
};

/** Questions of an auditor. All of them throw what keeps their read model from answering, and FOREIGN_POSITION. */
export type Audit = {
  readonly decisions: DecisionQueries;
  readonly runs: AuditedRuns;
  /** The checks of one run as it stood after an item, or was known at a time; undefined where there was nothing of it. */
  readonly ladder: (
    executionId: string,
    until: { readonly seq?: number | undefined; readonly time?: string | undefined },
    signal: AbortSignal,
  ) => Promise<RunLadder | undefined>;
  /** The HMAC under which a person stands in the log. */
  readonly subjectOf: (userId: string) => string;
  /** Our clock, RFC 3339, UTC. */
  readonly now: () => string;
};

/** What the routes of questions ask: of no single run. */
export type Questioned = { readonly audit: Omit<Audit, 'ladder'> };

/** All that the HTTP layer can do; the composition root hands it in. */
export type Service = {
  readonly version: string;
  readonly storeId: string;
  readonly recorder: Recorder;
  readonly queries: RunQueries;
  readonly audit: Audit;
  /**
   * Records the start of a run and queues it. Throws before any event: WORKFLOW_NOT_FOUND, WORKFLOW_UNSUPPORTED,
   * INVALID_REQUEST for an input image, QUEUE_FULL, REQUEST_KEY_REUSED, REQUEST_IN_FLIGHT.
   */
  readonly start: (request: StartRequest, once?: IdempotentRequest) => Promise<Started>;
  /** Starts a run and waits for its end. Throws like start, and what kept this process from going on with it. */
  readonly execute: (request: StartRequest, once?: IdempotentRequest) => Promise<Executed>;
  /** Steering: each throws RUN_STATUS, RUN_ELSEWHERE, EXECUTION_NOT_FOUND. */
  readonly cancel: Steer;
  readonly pause: Steer;
  readonly resume: Steer;
  /** Imports one old record, or an array of them, out of JSON text. */
  readonly importText: (text: string, timeZone: string | undefined) => Promise<ImportReport>;
  /** The end of the log. */
  readonly head: () => Promise<Position | null>;
  /** Replays the stream up to a sequence number or a time; undefined for an unknown run. */
  readonly replay: (
    executionId: string,
    until: { readonly seq?: number | undefined; readonly time?: string | undefined },
    signal: AbortSignal,
  ) => Promise<ExecutionRecord | undefined>;
  readonly exportRun: ExportRun;
  readonly invariants: Invariants;
  readonly timeMachine: TimeMachine;
  readonly exports: ExportDesk;
  readonly workflows: WorkflowDesk;
  readonly reviews: ReviewDesk;
  readonly replays: ReplayDesk;
  readonly ledger: LedgerDesk;
  /** Stores bytes durably under their digest. */
  readonly putMedia: (bytes: Uint8Array, signal: AbortSignal) => Promise<StoredMedium>;
  /** Throws MEDIA_NOT_FOUND. */
  readonly openMedia: (sha256: string) => Promise<OpenMedium>;
  /** How far the read models are, and waiting for them. */
  readonly readModels: Pick<Projector, 'reached' | 'heardOf' | 'waitFor'>;
  readonly health: () => Promise<{
    readonly ready: boolean;
    /** The end of the log, null while it is empty; undefined where the store does not answer. */
    readonly head: Position | null | undefined;
    readonly projections: readonly ProjectionStatus[];
  }>;
  /** A MAC of a text under the deployment's key, base64url. */
  readonly authenticate: (text: string) => string;
  /** A fresh execution id: `exec_YYYYMMDD_HHMMSS_<8 hex>`, UTC. */
  readonly newExecutionId: () => string;
};

/** What is proven of runs. */
export type Invariants = {
  /** Out of the stream itself, up to a sequence number or a time; undefined where nothing was known. */
  readonly ofRun: (
    executionId: string,
    until: { readonly seq?: number | undefined; readonly time?: string | undefined },
    signal: AbortSignal,
  ) => Promise<{ readonly items: number; readonly results: readonly InvariantResult[] } | undefined>;
  /** Throws PROJECTION_STOPPED. */
  readonly ofAll: (query: FaultQuery) => FaultPage;
};

/**
 * Writes one run to a file, whole or not at all. Throws EXECUTION_NOT_FOUND, EVIDENCE_UNAVAILABLE, EXPORT_IMPOSSIBLE,
 * EXPORT_BUSY, STORAGE_FULL, UNAVAILABLE, and the reason of an abort.
 */
export type ExportRun = (
  request: {
    readonly executionId: string;
    readonly format: string;
    readonly view?: View | undefined;
    /** Log entries too, where there is a view. */
    readonly logs: boolean;
    readonly language: Language;
    /** The run as it stood after this item; all of it without. */
    readonly untilSeq?: number | undefined;
  },
  signal: AbortSignal,
) => Promise<ExportedFile>;

/** One run as a file on the disk of the service; whoever asked for it removes it. */
export type ExportedFile = {
  readonly path: string;
  readonly mediaType: string;
  /** `<execution_id>.<ext>` */
  readonly fileName: string;
  readonly sizeBytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
  readonly remove: () => Promise<void>;
};

/** A bulk export as it is asked for. */
export type ExportRequest = {
  /** All that must match, and the same as the client gave it. */
  readonly filter: RunFilter;
  readonly givenFilter: Readonly<Record<string, unknown>>;
  /** One that has an exporter. */
  readonly format: string;
  readonly view: View | undefined;
  /** Log entries too, where there is a view. */
  readonly logs: boolean;
  readonly language: Language;
};

/** A bulk export as clients see it. */
export type ExportState = {
  readonly id: string;
  readonly job: ExportJob;
  readonly status: 'queued' | 'running' | Exclude<ExportJob['status'], 'open'>;
  /** Runs that were looked at, of all that are selected, and how many of them could not be exported. */
  readonly progress: { readonly done: number; readonly total: number; readonly errors: number };
  /** When its files go, or have gone; null while it has not ended. RFC 3339, UTC. */
  readonly expiresAt: string | null;
  /** Why it stopped. */
  readonly error: { readonly type: string; readonly message: string } | null;
};

export type ExportResultFile = {
  readonly sizeBytes: number;
  /** Hex. */
  readonly sha256: string;
  /** Once; the file is closed when the reading ends, however it ends. */
  readonly read: (signal: AbortSignal) => AsyncIterable<Uint8Array>;
};

/** Exports of many runs at once. */
export type ExportDesk = {
  /**
   * Selects the runs, records the request and queues it. Throws before any event: QUEUE_FULL, UNAVAILABLE, STORAGE_FULL,
   * REQUEST_KEY_REUSED, REQUEST_IN_FLIGHT.
   */
  readonly start: (
    request: ExportRequest,
    once?: IdempotentRequest,
  ) => Promise<Omit<Started, 'executionId' | 'isNew'> & { readonly id: string }>;
  /** Throws EXPORT_NOT_FOUND. */
  readonly read: (id: string) => Promise<ExportState>;
  /** Newest first. */
  readonly list: (page: { readonly limit: number; readonly offset: number }) => Promise<{
    readonly exports: readonly ExportState[];
    readonly total: number;
  }>;
  /** Stops the work and removes its files. Throws EXPORT_STATUS, EXPORT_NOT_FOUND. */
  readonly cancel: (id: string) => Promise<Position | null>;
  /** Goes on with one that failed, or that nobody works at. Throws EXPORT_STATUS, EXPORT_EXPIRED, EXPORT_NOT_FOUND, QUEUE_FULL. */
  readonly resume: (id: string) => Promise<Position | null>;
  /** The result. Throws EXPORT_NOT_FOUND, EXPORT_STATUS, EXPORT_EXPIRED, EXPORT_DAMAGED. */
  readonly open: (id: string) => Promise<ExportResultFile>;
};

export type StepCount = { readonly completed: number; readonly total: number };

/** The longest an answer waits for the read models, so that a client reads its own write. */
const readYourWriteMs = 2_000;

export const positionHeader = 'runledger-position';
export const behindHeader = 'runledger-behind';

/** Says where a write stands, and waits for the read models; where they are late, says which and by how many events. */
export async function settle(
  service: Service,
  reply: FastifyReply,
  position: Position | null,
): Promise<void> {
  if (position === null) return;
  void reply.header(positionHeader, position);
  service.readModels.heardOf(position);
  const { reached, behind } = await service.readModels.waitFor(position, readYourWriteMs);
  if (!reached) void reply.header(behindHeader, shownBehind(behind));
}

/** `run-list;events=12, records;events=3` */
export const shownBehind = (behind: Waited['behind']): string =>
  behind.map(({ name, events }) => `${name};events=${events}`).join(', ');

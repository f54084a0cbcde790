/**
 * Every operating error of runledger, in one table: code → HTTP status, title, and a sentence that says what was
 * refused, what is true and what to do. Programmer errors are asserts, not entries here.
 */

type Entry<P> = {
  readonly status: number;
  readonly title: string;
  /** May the very same call succeed later, unchanged? */
  readonly retryable: boolean;
  readonly detail: (params: P) => string;
};

const entry = <P>(
  status: number,
  title: string,
  detail: (params: P) => string,
  retryable = false,
): Entry<P> => ({
  status,
  title,
  detail,
  retryable,
});

export type Revision = number | 'none';

export const errorTable = {
  // -- event store: the port's typed errors (docs/log.md)
  CONFLICT: entry(
    409,
    'Stream has moved on',
    (p: { stream: string; expected: string; actual: Revision }) =>
      `Stream ${p.stream} is at revision ${p.actual}, the append expected ${p.expected}: read the stream again and decide anew.`,
  ),
  STREAM_NOT_FOUND: entry(
    404,
    'Stream not found',
    (p: { stream: string }) => `No event was ever appended to stream ${p.stream}: check the name.`,
  ),
  TOO_LARGE: entry(
    413,
    'Too large for one append',
    (p: { sizeBytes: number; limitBytes: number }) =>
      `The append has ${p.sizeBytes} bytes, one append may have ${p.limitBytes}: send it in smaller batches, and larger things as media.`,
  ),
  INVALID_APPEND: entry(
    400,
    'Append refused',
    (p: { what: string; cure: string }) => `${p.what}: ${p.cure}.`,
  ),
  UNAVAILABLE: entry(
    503,
    'Temporarily unavailable',
    (p: { what: string; cure: string }) => `${p.what}: ${p.cure}.`,
    true,
  ),
  TIMEOUT: entry(
    503,
    'Timed out',
    (p: { what: string; timeoutMs: number }) =>
      `${p.what} did not finish within ${p.timeoutMs} ms: try again.`,
    true,
  ),
  LOCKED: entry(
    503,
    'Data directory is in use',
    (p: { directory: string; pid: number }) =>
      `${p.directory} is held by the process ${p.pid}: wait until it ends, or stop it; a service that runs can be asked over HTTP.`,
  ),
  STORAGE_FULL: entry(
    507,
    'Disk is full',
    (p: { what: string }) =>
      `${p.what} found no room on the disk and stored nothing: free space, then try again.`,
    true,
  ),
  CORRUPT_EVENT: entry(
    500,
    'Stored event is damaged',
    (p: { stream: string; sequence: number | 'unknown'; what: string }) =>
      `Event ${p.sequence} of stream ${p.stream} is not what was stored (${p.what}): run fsck, then restore the log from a backup.`,
  ),
  FOREIGN_POSITION: entry(
    400,
    'Position of another log',
    (p: { position: string; storeId: string }) =>
      `${p.position} is no position of the log ${p.storeId}: use positions with the log that gave them, or start from the beginning.`,
  ),
  FORMAT_TOO_NEW: entry(
    503,
    'Log was written by a newer release',
    (p: { directory: string; format: number; newestKnown: number }) =>
      `${p.directory} has log format ${p.format}, this release knows formats up to ${p.newestKnown}: start the release that wrote it, or a newer one.`,
  ),
  NO_LOG: entry(
    503,
    'No log here',
    (p: { directory: string; what: string; cure: string }) => `${p.directory} ${p.what}: ${p.cure}.`,
  ),
  UNKNOWN_STORE: entry(
    503,
    'Event store not known',
    (p: { store: string; cure: string }) => `${p.store} names no event store of this release: ${p.cure}.`,
  ),
  STORE_REFUSED: entry(
    503,
    'Event store refuses us',
    (p: { what: string }) =>
      `${p.what} was refused by the event store: give a user and password in RUNLEDGER_STORE that may read $all and write every stream.`,
  ),
  // -- events
  UNRECORDABLE: entry(
    400,
    'Cannot be recorded',
    (p: { pointer: string; detail: string }) => `${p.pointer === '' ? 'The value' : p.pointer} ${p.detail}.`,
  ),
  ITEM_SHAPE: entry(
    400,
    'Item has the wrong shape',
    (p: { what: string; cure: string }) => `${p.what}: ${p.cure}.`,
  ),
  // -- keyring
  KEYS_UNREADABLE: entry(
    503,
    'Keys cannot be read',
    (p: { file: string }) =>
      `${p.file} is damaged or gone, and without it every recorded payload would read as erased; nothing was changed: restore the folder keys/ from a backup.`,
  ),
  // -- import
  INVALID_JSON: entry(
    400,
    'Not readable as JSON',
    (p: { why: string }) =>
      `The text is not JSON that has one meaning (${p.why}): mend it, then send it again.`,
  ),
  UNKNOWN_TIME_ZONE: entry(
    400,
    'Unknown time zone',
    (p: { timeZone: string }) =>
      `There is no time zone "${p.timeZone}": name one of the IANA database, such as Europe/Berlin or UTC.`,
  ),
  TOO_MANY_RECORDS: entry(
    413,
    'Too many records',
    (p: { count: number; limit: number }) =>
      `The request has ${p.count} records, one request may have ${p.limit}: send fewer, or use "runledger import".`,
  ),
  // -- the life of a run
  RULE_BROKEN: entry(
    422,
    'Not allowed at this point of the run',
    (p: { rule: string; what: string; cure: string }) => `${p.what} (rule ${p.rule}): ${p.cure}.`,
  ),
  RUN_EXISTS: entry(
    409,
    'Run exists already',
    (p: { execution_id: string }) =>
      `A run ${p.execution_id} is recorded already: choose another execution_id, or add items to it.`,
  ),
  OTHER_CONTENT: entry(
    409,
    'Same id, other content',
    (p: { execution_id: string; what: string }) =>
      `Run ${p.execution_id} already holds ${p.what} with other content; nothing was stored: use new client ids for new items.`,
  ),
  RUN_ERASED: entry(
    409,
    'Run is erased',
    (p: { execution_id: string }) =>
      `The content of run ${p.execution_id} was erased and its key destroyed; nothing was stored: add only items without text and without free metadata.`,
  ),
  EXECUTION_NOT_FOUND: entry(
    404,
    'Execution not found',
    (p: { execution_id: string }) =>
      `There is no run ${p.execution_id}: GET /api/runs lists those you can see.`,
  ),
  VERSION_MISMATCH: entry(
    412,
    'Run has another version',
    (p: { execution_id: string; expected: number; actual: number }) =>
      `Run ${p.execution_id} is at version ${p.actual}, If-Match names ${p.expected}: read the run again.`,
  ),
  RUN_STATUS: entry(
    409,
    'Run has another status',
    (p: { execution_id: string; current_status: string; action: string }) =>
      `Run ${p.execution_id} is ${p.current_status} and cannot be ${p.action}: read it to see what became of it.`,
  ),
  RUN_ELSEWHERE: entry(
    409,
    'Run is executed elsewhere',
    (p: { execution_id: string; action: string }) =>
      `Run ${p.execution_id} is only recorded here and cannot be ${p.action} from here: steer the pipeline that executes it.`,
  ),
  DECISION_NOT_FOUND: entry(
    404,
    'Decision not found',
    (p: { execution_id: string; seq: number | string }) =>
      `Item ${p.seq} of run ${p.execution_id} is no safety decision: the items of GET /api/runs/${p.execution_id} say which are.`,
  ),
  REVIEW_FORBIDDEN: entry(
    403,
    'Review is not allowed',
    (p: { execution_id: string; seq: number; rule: string; what: string; cure: string }) =>
      `${p.what} (rule ${p.rule}): ${p.cure}.`,
  ),
  REVIEW_CONFLICT: entry(
    409,
    'Decision does not stand so',
    (p: { execution_id: string; seq: number; rule: string; what: string; cure: string }) =>
      `${p.what} (rule ${p.rule}): ${p.cure}.`,
  ),
  NOTHING_REFUSED: entry(
    409,
    'Decision refused nothing',
    (p: { execution_id: string; seq: number }) =>
      `Decision ${p.seq} of run ${p.execution_id} refused nothing, so there are no reasons to state: name one whose action is block.`,
  ),
  RUN_UNRESUMABLE: entry(
    500,
    'Run cannot go on',
    (p: { execution_id: string; what: string }) =>
      `Run ${p.execution_id} cannot go on (${p.what}): what it had recorded stays; start a new run.`,
  ),
  RUN_STUCK: entry(
    500,
    'Run stops its process again and again',
    (p: { execution_id: string }) =>
      `Run ${p.execution_id} was taken up again and again without getting a step further, and is ended: look into the service log for what stops the process, then start a new run.`,
  ),
  QUEUE_FULL: entry(
    503,
    'Too much waits already',
    (p: { waiting: number; what: 'runs' | 'exports' | 'replays' }) =>
      `${p.waiting} ${p.what} wait for their turn already: try again in a little while.`,
    true,
  ),
  REQUEST_KEY_REUSED: entry(
    422,
    'Idempotency-Key was used for another request',
    (p: { header: string }) =>
      `The ${p.header} of this request came with another body before: send a new key with every new request.`,
  ),
  REQUEST_IN_FLIGHT: entry(
    409,
    'The same request is under way',
    (p: { header: string }) =>
      `A request with this ${p.header} has not ended yet: wait, then send it again for its answer.`,
    true,
  ),
  POLICY_CHANGED: entry(
    503,
    'Policy was changed without a new version',
    (p: { policy: string; version: number }) =>
      `Version ${p.version} of the policy ${p.policy} was published with other content: give the changed document a new version.`,
  ),
  BACKUP_TARGET: entry(
    409,
    'Backup target is not empty',
    (p: { directory: string }) => `${p.directory} holds files already: name a new or an empty directory.`,
  ),
  COPY_TARGET: entry(
    409,
    'Target is not a copy of the source',
    (p: { event: number; stream: string; sequence: number; what: string; cure: string }) =>
      `The target is no copy of the source: at event ${p.event} of the log, item ${p.sequence} of ${p.stream}, ${p.what}; ${p.cure}.`,
  ),
  COPY_STOPPED: entry(
    503,
    'Copy has stopped',
    (p: { events: number; why: string }) =>
      `The copy stopped behind event ${p.events} of the log, for the target takes no more (${p.why}): mend that, then run the same command again; it goes on from there.`,
    true,
  ),
  // -- configuration
  ADDRESS_IN_USE: entry(
    503,
    'Address is in use',
    (p: { host: string; port: number }) =>
      `Another program listens on ${p.host}:${p.port}: stop it, or choose another RUNLEDGER_PORT (0 takes any free one).`,
  ),
  CONFIG_INVALID: entry(
    500,
    'Configuration is invalid',
    (p: { faults: readonly string[] }) =>
      `The environment has ${p.faults.length} fault(s): ${p.faults.join('; ')}.`,
  ),
  // -- http
  INVALID_REQUEST: entry(
    400,
    'Invalid request',
    (p: { what: string; cure: string }) => `${p.what}: ${p.cure}.`,
  ),
  INVALID_LIMIT: entry(
    400,
    'Invalid limit parameter',
    (p: { value: string; max: number }) => `limit is "${p.value}": send a whole number from 1 to ${p.max}.`,
  ),
  INVALID_OFFSET: entry(
    400,
    'Invalid offset parameter',
    (p: { value: string }) => `offset is "${p.value}": send a whole number from 0.`,
  ),
  INVALID_DATE: entry(
    400,
    'Invalid date format',
    (p: { value: string }) => `date is "${p.value}": send a day of the calendar as YYYY-MM-DD.`,
  ),
  ROUTE_NOT_FOUND: entry(
    404,
    'Not found',
    (p: { method: string; path: string }) =>
      `There is no ${p.method} ${p.path}: /openapi.json lists what there is.`,
  ),
  METHOD_NOT_ALLOWED: entry(
    405,
    'Method not allowed',
    (p: { method: string; allowed: string }) => `${p.method} does not work here: use ${p.allowed}.`,
  ),
  BODY_TOO_LARGE: entry(
    413,
    'Request is too large',
    (p: { limitBytes: number }) => `The body has more than ${p.limitBytes} bytes: send it in smaller parts.`,
  ),
  UNSUPPORTED_MEDIA_TYPE: entry(
    415,
    'Unsupported media type',
    (p: { given: string; accepted: string }) =>
      `The body is ${p.given === '' ? 'of no named type' : p.given}: send ${p.accepted}.`,
  ),
  UNKNOWN_FORMAT: entry(
    400,
    'Unknown export format',
    (p: { format: string; supported: readonly string[] }) =>
      `There is no export format "${p.format}": use one of ${p.supported.join(', ')}.`,
  ),
  FORMAT_NOT_AVAILABLE: entry(
    501,
    'Export format is not available yet',
    (p: { format: string; available: readonly string[] }) =>
      `This version cannot write ${p.format} yet: use ${p.available.join(', ')}.`,
  ),
  EXPORT_IMPOSSIBLE: entry(
    422,
    'Export impossible',
    (p: { format: string; what: string; cure: string }) =>
      `This run cannot be written as ${p.format}: ${p.what}; ${p.cure}.`,
  ),
  EXPORT_BUSY: entry(
    503,
    'Too many exports wait',
    (p: { waiting: number }) => `${p.waiting} exports wait already: try again in a minute.`,
    true,
  ),
  EXPORT_NOT_FOUND: entry(
    404,
    'Export not found',
    (p: { export_id: string }) => `There is no export ${p.export_id}: GET /api/exports lists them.`,
  ),
  EXPORT_STATUS: entry(
    409,
    'Export has another status',
    (p: { export_id: string; current_status: string; action: string }) =>
      `Export ${p.export_id} is ${p.current_status} and cannot be ${p.action}: GET /api/exports/${p.export_id} says how it stands.`,
  ),
  EXPORT_EXPIRED: entry(
    410,
    'Export has expired',
    (p: { export_id: string; expired_at: string }) =>
      `The files of export ${p.export_id} were kept until ${p.expired_at}: ask for it again with POST /api/exports.`,
  ),
  EXPORT_DAMAGED: entry(
    500,
    'Files of the export are damaged',
    (p: { export_id: string; what: string }) =>
      `${p.what} of export ${p.export_id} is not there as it was written: ask for it again with POST /api/exports.`,
  ),
  REPLAY_NOT_FOUND: entry(
    404,
    'Replay not found',
    (p: { replay_id: string }) => `There is no replay ${p.replay_id}: GET /api/audit/replays lists them.`,
  ),
  REPLAY_DAMAGED: entry(
    500,
    'Files of the replay are damaged',
    (p: { replay_id: string; what: string }) =>
      `${p.what} of replay ${p.replay_id} is not there as it was written: ask for it again with POST /api/audit/replays.`,
  ),
  POLICY_NOT_FOUND: entry(
    404,
    'Policy not found',
    (p: { policy: string; version: number }) =>
      `Version ${p.version} of the policy ${p.policy} was never published here, or is erased: send the document itself.`,
  ),
  MEDIA_NOT_FOUND: entry(
    404,
    'Medium not found',
    (p: { sha256: string }) => `There is no medium ${p.sha256}: the file_path of an item names it.`,
  ),
  NOT_AVAILABLE: entry(
    501,
    'Not available yet',
    (p: { what: string; cure: string }) => `${p.what}: ${p.cure}.`,
  ),
  INTERNAL: entry(
    500,
    'Internal error',
    (p: { requestId: string }) =>
      `Something went wrong here, not with the request; the service log says what, under request ${p.requestId}.`,
  ),
  // -- projections
  PROJECTION_STOPPED: entry(
    503,
    'Read model has stopped',
    (p: { name: string; stream: string; seq: number; why: string }) =>
      `Projection ${p.name} stopped before event ${p.seq} of stream ${p.stream} (${p.why}): mend its cause, then run "runledger rebuild ${p.name}"; the log itself is unharmed.`,
  ),
  PROJECTION_BUILDING: entry(
    503,
    'Read model is being built',
    (p: { name: string; events: number }) =>
      `Projection ${p.name} is being built from the log, ${p.events} events are in it: ask again in a little while.`,
    true,
  ),
  READ_MODELS_BEHIND: entry(
    503,
    'Read models are behind',
    (p: { position: string; seconds: number; behind: string }) =>
      `The read models did not reach ${p.position} within ${p.seconds} s (${p.behind}): ask again, or without runledger-min-position for what they have.`,
    true,
  ),
  PROJECTIONS_UNWRITABLE: entry(
    503,
    'Read models cannot be written',
    (p: { why: string }) =>
      `The projections could not go on (${p.why}): restart the service, they then go on where they were; the log itself is unharmed.`,
  ),
  UNKNOWN_PROJECTION: entry(
    404,
    'Unknown projection',
    (p: { name: string; known: readonly string[] }) =>
      `There is no projection ${p.name}: name one of ${p.known.join(', ')}.`,
  ),
  // -- pipeline, safety, workflows
  POLICY_INVALID: entry(
    400,
    'Policy is invalid',
    (p: { what: string }) => `The policy document cannot be used (${p.what}): mend it and publish it again.`,
  ),
  // -- backends (docs/backends.md); what a backend said in its own words is evidence, not part of the sentence
  BACKEND_UNREACHABLE: entry(
    503,
    'Backend cannot be reached',
    (p: { backend: string; what: string }) =>
      `The backend ${p.backend} does not answer (${p.what}): start it, or correct its address.`,
    true,
  ),
  BACKEND_BUSY: entry(
    503,
    'Backend is busy',
    (p: { backend: string; status: number }) =>
      `The backend ${p.backend} takes no work now (HTTP ${p.status}): try again in a little while.`,
    true,
  ),
  BACKEND_REFUSED: entry(
    502,
    'Backend refused the request',
    (p: { backend: string; what: string }) =>
      `The backend ${p.backend} refused the request (${p.what}): look at the model and the parameters of the workflow.`,
  ),
  BACKEND_FAILED: entry(
    502,
    'Backend failed',
    (p: { backend: string; what: string }) =>
      `The backend ${p.backend} did not finish its work (${p.what}): look at its own log, then try again.`,
  ),
  BACKEND_INTERRUPTED: entry(
    502,
    'Backend broke off',
    (p: { backend: string; what: string }) =>
      `The backend ${p.backend} broke off in the middle of its answer (${p.what}): try again.`,
    true,
  ),
  PROVIDER_MODERATED: entry(
    403,
    'Refused by the provider’s moderation',
    (p: { backend: string; reasons: readonly string[] }) =>
      `The provider behind ${p.backend} refused the text (${p.reasons.join(', ') || 'no reason given'}): say it another way, or use a local model.`,
  ),
  OUTPUT_UNSUPPORTED: entry(
    501,
    'Backend cannot make this medium',
    (p: { backend: string; mediaType: string }) =>
      `The backend ${p.backend} cannot make ${p.mediaType}: configure one that can, or choose another output config.`,
  ),
  OUTPUT_UNEXPECTED: entry(
    502,
    'Backend answered something else',
    (p: { backend: string; what: string }) =>
      `The backend ${p.backend} gave ${p.what}; it was not delivered: check the output config and the backend.`,
  ),
  MEDIA_CORRUPT: entry(
    500,
    'Medium is damaged',
    (p: { sha256: string }) =>
      `The stored bytes of medium ${p.sha256} do not have its digest: restore the media folder from a backup.`,
  ),
  WORKFLOW_UNSUPPORTED: entry(
    501,
    'Workflow cannot be run yet',
    (p: { workflow: string; pipeline: string }) =>
      `Workflow ${p.workflow} is of the form ${p.pipeline}, which this version does not run: choose another workflow.`,
  ),
  WORKFLOW_NOT_FOUND: entry(
    404,
    'Workflow not found',
    (p: { workflow: string; known: readonly string[] }) =>
      `There is no workflow ${p.workflow}: known are ${p.known.join(', ')}.`,
  ),
  WORKFLOW_INVALID: entry(
    400,
    'Workflow is invalid',
    (p: { workflow: string; what: string }) =>
      `The document of workflow ${p.workflow} cannot be used (${p.what}): mend it and try again.`,
  ),
  WORKFLOW_IN_USE: entry(
    409,
    'Output config is in use',
    (p: { config: string; users: readonly string[] }) =>
      `The output config ${p.config} is needed by ${p.users.join(', ')}: change or retire those workflows first.`,
  ),
  WORKFLOW_VERSION: entry(
    412,
    'Workflow has another version',
    (p: { workflow: string; expected: number | 'none'; actual: number | 'none' }) =>
      `Workflow ${p.workflow} is at version ${p.actual}, the request expects ${p.expected}: read it again.`,
  ),
  VERSION_NOT_FOUND: entry(
    404,
    'Version not found',
    (p: { workflow: string; version: number | string }) =>
      `There is no version ${p.version} of ${p.workflow}: GET /api/workflows/{id}/versions lists those of a workflow.`,
  ),
  STEP_NOT_FOUND: entry(
    404,
    'Step not found',
    (p: { workflow: string; step: string; known: readonly string[] }) =>
      `Workflow ${p.workflow} has no step ${p.step}: known are ${p.known.join(', ') || 'none'}.`,
  ),
  PRECONDITION_REQUIRED: entry(
    428,
    'Precondition required',
    (p: { cure: string }) => `The request does not say which version it changes: ${p.cure}.`,
  ),
} as const;

import { fileURLToPath } from 'node:url';
import workerpool from 'workerpool';
import { type ErrorCode, type ErrorParams, LedgerError } from '../errors.ts';
import type { WrittenFile } from './written-file.ts';

/** What a render process is to do; the files are paths on this machine. */
export type RenderTask = {
  readonly format: string;
  readonly replayFile: string;
  readonly mediaDirectory: string;
  /** Must not be there. */
  readonly outFile: string;
};

export type RenderAnswer =
  | { readonly written: WrittenFile }
  | { readonly refused: { readonly code: ErrorCode; readonly params: ErrorParams<ErrorCode> } };

export type Renderer = {
  /**
   * Renders in a process of its own, which ends when the signal aborts. Throws EXPORT_BUSY where too many wait,
   * EXPORT_IMPOSSIBLE where the process dies or takes too long, and what the exporter throws. Time in the queue is not
   * counted.
   */
  readonly render: (task: RenderTask, signal: AbortSignal) => Promise<WrittenFile>;
  readonly close: () => Promise<void>;
};

export type RenderLimits = {
  readonly maxProcesses: number;
  readonly maxWaiting: number;
  readonly maxRenderMs: number;
};

/** Two processes, because a report takes a core for a second, and one long one must not hold up all others. */
const defaultLimits: RenderLimits = { maxProcesses: 2, maxWaiting: 32, maxRenderMs: 300_000 };
/** Processes that nobody needs for so long give their memory back. */
const idleMs = 60_000;
/** A process that is told to end, and does not, is killed. */
const terminateMs = 200;

/** Processes are started when they are needed, so a ledger that exports nothing has none. */
export function openRenderer(limits: RenderLimits = defaultLimits): Renderer {
  const { maxProcesses, maxWaiting, maxRenderMs } = limits;
  let pool: workerpool.Pool | undefined;
  let inWork = 0;
  let idle: NodeJS.Timeout | undefined;
  const end = async (): Promise<void> => {
    const ended = pool;
    pool = undefined;
    await ended?.terminate(true);
  };

  const run = async (task: RenderTask, signal: AbortSignal): Promise<RenderAnswer> => {
    pool ??= startPool(maxProcesses, maxWaiting);
    // Of one that waits, the pool starts the clock once a process takes it.
    const rendering = pool.exec('render', [task]).timeout(maxRenderMs);
    const cancel = (): void => void rendering.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    try {
      return (await rendering) as RenderAnswer;
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  };

  return {
    async render(task, signal) {
      signal.throwIfAborted();
      clearTimeout(idle);
      if (inWork >= maxProcesses + maxWaiting) throw new LedgerError('EXPORT_BUSY', { waiting: maxWaiting });
      inWork += 1;
      try {
        const answer = await run(task, signal);
        if ('written' in answer) return answer.written;
        throw new LedgerError(answer.refused.code, answer.refused.params);
      } catch (error) {
        signal.throwIfAborted();
        throw error instanceof workerpool.Promise.TimeoutError
          ? impossible(task, `it was not done after ${maxRenderMs / 1_000} seconds`, error)
          : died(task, error);
      } finally {
        inWork -= 1;
        if (inWork === 0) idle = setTimeout(() => void end(), idleMs).unref();
      }
    },
    async close() {
      clearTimeout(idle);
      await end();
    },
  };
}

const startPool = (maxWorkers: number, maxQueueSize: number): workerpool.Pool =>
  workerpool.pool(fileURLToPath(processFile), {
    workerType: 'process',
    maxWorkers,
    maxQueueSize,
    workerTerminateTimeout: terminateMs,
    // Nothing of our settings, which hold keys, goes to a process that reads texts of strangers.
    forkOpts: {
      env: { PATH: process.env['PATH'] ?? '', TZ: 'UTC', ...renderSettings.env },
      execArgv: [...renderSettings.execArgv],
    },
  });

/** How a render process is sparing with memory, of the engine and of glibc's allocator: a long PDF takes 100 MiB less. */
export const renderSettings = {
  execArgv: ['--max-semi-space-size=1', '--expose-gc'],
  env: { MALLOC_ARENA_MAX: '2', MALLOC_TRIM_THRESHOLD_: '131072' },
} as const;

function impossible({ format }: RenderTask, what: string, cause: unknown): LedgerError {
  const cure = 'export the run as xml or json, or ask for a view with less in it';
  return new LedgerError('EXPORT_IMPOSSIBLE', { format, what, cure }, { cause });
}

/** The process ended under its work: out of memory, or a fault in native code. Anything else goes on as it is. */
function died(task: RenderTask, error: unknown): unknown {
  const hasDied =
    error instanceof Error && /terminated/i.test(error.message) && !(error instanceof LedgerError);
  return hasDied ? impossible(task, 'the process that writes it ended early', error) : error;
}

/** Tests run the sources, which Node cannot start as they are: then the process is the built one. */
const processFile = import.meta.url.endsWith('.ts')
  ? new URL('../../dist/src/service/render-process.js', import.meta.url)
  : new URL('./render-process.js', import.meta.url);

import { canonicalText } from '../../../events/canonical.ts';
import { sha256Hex } from '../../../events/digest.ts';
import { hostOf, placeOf } from '../address.ts';
import { BackendError } from '../backend-error.ts';
import { within } from '../deadline.ts';
import type { MediaBackend, MediaRequest, MediaResponse, ProducedMedium } from '../media-backend.ts';
import { readMediumHeader } from '../medium-header.ts';
import { defaultTimeouts, type Timeouts } from '../timeouts.ts';
import { buildGraph } from './build-graph.ts';
import { type ComfyuiApi, comfyuiApi, type SubmittedJob } from './comfyui-api.ts';
import { type Graph, saveNodesOf, settingsOf } from './graph.ts';
import { type FinishedJob, readHistory } from './history.ts';
import { submitJob, takeBackWhenAborted } from './job-handover.ts';
import { untilEnded } from './job-watch.ts';
import { openProgress } from './progress-socket.ts';
import { realWait, type Wait } from './wait.ts';

type Options = {
  /** ComfyUI's address, from the configuration. */
  readonly url: string;
  /** Monotonic seconds. */
  readonly clock: () => number;
  /** A fresh UUID at each call. */
  readonly newClientId: () => string;
  /** Of each HTTP call; `totalMs` is also how long the whole generation may take. */
  readonly timeouts?: Timeouts | undefined;
  /** How often the history is asked while no hint comes. */
  readonly pollMs?: number | undefined;
  readonly wait?: Wait | undefined;
};

/**
 * Media by the graphs of build-graph.ts. What the response says of model, seed and parameters is read out of the graph
 * that ComfyUI executed; size and format are read out of the files. `metadata.time_source` says whether
 * `executionSeconds` are those of ComfyUI's own `history`, of the `socket`'s news, or of the whole `call`. `remoteHost` is
 * set where the address is none of the house.
 *
 * Rejects with OUTPUT_UNSUPPORTED without a graph for the medium; BACKEND_REFUSED for a graph that ComfyUI does not take;
 * BACKEND_FAILED where the job fails, is interrupted, is lost or leaves no file; TIMEOUT after `timeouts.totalMs`;
 * else as a single HTTP call does. A job whose call is aborted or too late is taken back.
 */
export function comfyuiMedia(options: Options): MediaBackend {
  const { timeouts = defaultTimeouts('local', 'image') } = options;
  const limit = { what: 'The generation on comfyui', timeoutMs: timeouts.totalMs };
  const api = comfyuiApi(options.url, timeouts);
  return {
    name: 'comfyui',
    generate: (request, signal) =>
      within(limit, signal, (ended) =>
        generate({ ...options, timeouts }, api, request, buildGraph(request), ended),
      ),
  };
}

async function generate(
  options: Options & { readonly timeouts: Timeouts },
  api: ComfyuiApi,
  request: MediaRequest,
  graph: Graph,
  signal: AbortSignal,
): Promise<MediaResponse> {
  const { url, clock, wait = realWait, pollMs = 1_000 } = options;
  const clientId = options.newClientId();
  const { connectMs } = options.timeouts;
  // Before the job is handed in, so that nothing is missed.
  const progress = await openProgress({ url, clientId, connectMs, clock, wait, signal });
  try {
    signal.throwIfAborted();
    const calledAt = clock();
    const job = await submitJob(api, graph, clientId, signal);
    const { promptId } = job;
    const entry = await takeBackWhenAborted(api, promptId, signal, () =>
      untilEnded({ api, progress, wait, pollMs }, promptId, signal),
    );
    const finished = readHistory(entry, saveNodesOf(graph));
    const time = timeOf(finished, clock(), progress.startedAt(promptId), calledAt);
    const media = await fetchMedia(api, finished, signal);
    const { model, seed, metadata } = described(job, finished, graph);
    const ids = { prompt_id: promptId, client_id: clientId, time_source: time.source };
    const { length: unused } = request.images ?? [];
    return {
      media,
      model,
      backend: 'comfyui',
      executionSeconds: time.seconds,
      seed,
      remoteHost: placeOf(url) === 'remote' ? hostOf(url) : undefined,
      metadata: { ...metadata, ...ids, ...(unused === 0 ? {} : { images_unused: unused }) },
    };
  } finally {
    await progress.close();
  }
}

type Time = { readonly seconds: number; readonly source: 'history' | 'socket' | 'call' };

function timeOf(finished: FinishedJob, now: number, heardAt: number | undefined, calledAt: number): Time {
  if (finished.seconds !== undefined) return { seconds: finished.seconds, source: 'history' };
  return heardAt === undefined
    ? { seconds: now - calledAt, source: 'call' }
    : { seconds: now - heardAt, source: 'socket' };
}

async function fetchMedia(
  api: ComfyuiApi,
  { files }: FinishedJob,
  signal: AbortSignal,
): Promise<readonly ProducedMedium[]> {
  if (files.length === 0) {
    throw new BackendError('BACKEND_FAILED', { backend: 'comfyui', what: 'the job left no file' });
  }
  const media: ProducedMedium[] = [];
  for (const file of files) {
    const bytes = await api.view(file, signal);
    media.push({ body: { bytes }, metadata: { ...readMediumHeader(bytes), filename: file.filename } });
  }
  return media;
}

/** What was done, by the graph that was executed; where that differs from the one handed in, both digests are kept. */
function described(
  { nodeErrors }: SubmittedJob,
  { graph: executed, cachedNodes }: FinishedJob,
  submitted: Graph,
): Pick<MediaResponse, 'model' | 'seed'> & { readonly metadata: Readonly<Record<string, unknown>> } {
  const graph = executed ?? submitted;
  const digest = sha256Hex(canonicalText(graph));
  const submittedDigest = sha256Hex(canonicalText(submitted));
  const { model = 'unknown', seed, settings } = settingsOf(graph);
  return {
    model,
    seed,
    metadata: {
      ...settings,
      graph,
      graph_sha256: digest,
      ...(digest === submittedDigest ? {} : { submitted_graph_sha256: submittedDigest }),
      ...(cachedNodes.length === 0 ? {} : { cached_nodes: cachedNodes }),
      ...(Object.keys(nodeErrors).length === 0 ? {} : { node_errors: nodeErrors }),
    },
  };
}

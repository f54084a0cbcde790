import { Buffer } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { type Behaviour, createGate, execute, type Hold, type Job, type Memory } from './comfyui-jobs.ts';
import { judge } from './comfyui-nodes.ts';

export type Received = {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** Parsed JSON; undefined where there is none. */
  readonly body: unknown;
};

/**
 * A server that speaks ComfyUI's protocol on 127.0.0.1, with its faults, one job at a time. It knows the node classes that
 * our graphs use and refuses what ComfyUI refuses.
 */
export type ComfyuiServer = {
  readonly url: string;
  /** All that was asked so far, in order. */
  readonly requests: readonly Received[];
  /** How the next job goes that is not told yet. */
  readonly next: (behaviour: Behaviour) => void;
  /** The next job waits with its first node begun, or after the news of its success. */
  readonly hold: (at?: 'running' | 'before_history', behaviour?: Behaviour) => Hold;
  /** The answer to the next request to this path is ready, but not sent before the test releases it. */
  readonly holdAnswer: (path: string) => Hold;
  /** Answers the next request to this path with that, whatever is asked. */
  readonly answer: (path: string, status: number, body: string, type?: string) => void;
  /** Resolves once this is true; asked again after all that happens here. */
  readonly until: (isTrue: () => boolean) => Promise<void>;
  /** Client ids of the sockets that are open, and how many were opened in all. */
  readonly sockets: { readonly open: () => readonly string[]; readonly opened: () => number };
  /** The jobs that stand in the history. */
  readonly ended: () => readonly string[];
  /** Resolves once all that was told so far has been read at the other end. */
  readonly told: () => Promise<void>;
  readonly dropSockets: () => void;
  /** From now on, as behind a proxy that knows no WebSockets. */
  readonly refuseSockets: () => void;
  /** Stops listening and forgets queue and history. */
  readonly stop: () => Promise<void>;
  /** Listens again, at the same address. */
  readonly start: () => Promise<void>;
  readonly close: () => Promise<void>;
};

type Answer = { readonly status: number; readonly body: string | Buffer; readonly type: string };

export async function startComfyuiServer(): Promise<ComfyuiServer> {
  const requests: Received[] = [];
  const behaviours: Behaviour[] = [];
  const canned = new Map<string, Answer[]>();
  const gates = new Map<string, ReturnType<typeof createGate>>();
  let takesSockets = true;
  const waiting = new Set<() => void>();
  const changed = (): void => {
    for (const check of waiting) check();
  };

  const sockets = new Map<string, WebSocket>();
  let opened = 0;
  const memory: Memory = {
    history: new Map(),
    files: new Map(),
    cache: new Map(),
    tell: (clientId, message) => sockets.get(clientId)?.send(message),
  };
  const queue = createQueue(memory, changed);

  const answerTo = (received: Received): Answer => {
    const found = canned.get(received.path)?.shift();
    if (found !== undefined) return found;
    const { method, path, query, body } = received;
    switch (`${method} ${path.replace(/^\/history\/.*/, '/history/')}`) {
      case 'POST /prompt':
        return queue.submit(body, () => behaviours.shift() ?? {});
      case 'GET /history/': {
        const id = path.slice('/history/'.length);
        const entry = memory.history.get(id);
        return json(200, entry === undefined ? {} : { [id]: entry });
      }
      case 'GET /queue':
        return json(200, queue.listed());
      case 'POST /queue':
        queue.remove((body as { delete?: string[] }).delete ?? []);
        return empty;
      case 'POST /interrupt':
        queue.interrupt((body as { prompt_id?: string }).prompt_id);
        return empty;
      case 'GET /view':
        return view(memory.files, query);
      default:
        return { status: 404, body: '404: Not Found', type: 'text/plain; charset=utf-8' };
    }
  };

  const serve = async (incoming: IncomingMessage, reply: ServerResponse): Promise<void> => {
    const received = await read(incoming);
    requests.push(received);
    changed();
    const { status, body, type } = answerTo(received);
    const gate = gates.get(received.path);
    gates.delete(received.path);
    await gate?.arrive(received.path);
    reply.writeHead(status, { 'content-type': type });
    reply.end(body);
    changed();
  };
  const server = createServer((incoming, reply) => {
    serve(incoming, reply).catch((error: unknown) => {
      // As aiohttp does where a handler throws, for one where the body is no JSON.
      reply.writeHead(500, { 'content-type': 'text/plain' });
      reply.end(`500 Internal Server Error\n\n${String(error)}`);
    });
  });
  const upgrades = new WebSocketServer({ server, path: '/ws', verifyClient: () => takesSockets });
  upgrades.on('connection', (socket, { url = '' }) => {
    const clientId = new URL(url, 'http://localhost').searchParams.get('clientId') ?? randomUUID();
    sockets.set(clientId, socket);
    opened += 1;
    socket.on('close', () => {
      if (sockets.get(clientId) === socket) sockets.delete(clientId);
      changed();
    });
    const exec_info = { queue_remaining: queue.length() };
    socket.send(JSON.stringify({ type: 'status', data: { status: { exec_info }, sid: clientId } }));
    changed();
  });

  let port = 0;
  const start = (): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', () => {
        port = (server.address() as AddressInfo).port;
        resolve();
      });
    });
  const dropSockets = (): void => {
    for (const socket of sockets.values()) socket.terminate();
  };
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      queue.forget();
      memory.history.clear();
      memory.cache.clear();
      dropSockets();
      if (!server.listening) return resolve();
      server.close(() => resolve());
      server.closeAllConnections();
    });
  await start();

  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    next: (behaviour) => void behaviours.push(behaviour),
    hold(at = 'running', behaviour = {}) {
      const gate = createGate();
      behaviours.push({
        ...behaviour,
        [at === 'running' ? 'heldRunning' : 'heldBeforeHistory']: gate,
      });
      return gate;
    },
    holdAnswer(path) {
      const gate = createGate();
      gates.set(path, gate);
      return gate;
    },
    refuseSockets() {
      takesSockets = false;
    },
    answer(path, status, body, type = 'application/json') {
      canned.set(path, [...(canned.get(path) ?? []), { status, body, type }]);
    },
    until: (isTrue) =>
      new Promise((resolve) => {
        const check = (): void => {
          if (!isTrue()) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      }),
    sockets: { open: () => [...sockets.keys()], opened: () => opened },
    ended: () => [...memory.history.keys()],
    async told() {
      for (const socket of sockets.values()) {
        await new Promise((resolve) => {
          socket.once('pong', resolve);
          socket.ping();
        });
      }
    },
    dropSockets,
    stop,
    start,
    async close() {
      await stop();
      upgrades.close();
    },
  };
}

const json = (status: number, body: unknown): Answer => ({
  status,
  body: JSON.stringify(body),
  type: 'application/json; charset=utf-8',
});
const empty: Answer = { status: 200, body: '', type: 'application/octet-stream' };

async function read(incoming: IncomingMessage): Promise<Received> {
  const pieces: Buffer[] = [];
  for await (const piece of incoming) pieces.push(piece as Buffer);
  const text = Buffer.concat(pieces).toString();
  const { pathname, searchParams } = new URL(incoming.url ?? '/', 'http://localhost');
  return {
    method: incoming.method ?? '',
    path: decodeURIComponent(pathname),
    query: Object.fromEntries(searchParams),
    body: text === '' ? undefined : JSON.parse(text),
  };
}

type Queue = {
  readonly submit: (body: unknown, nextBehaviour: () => Behaviour) => Answer;
  readonly listed: () => unknown;
  readonly remove: (ids: readonly string[]) => void;
  /** Without an id, whatever runs. */
  readonly interrupt: (id: string | undefined) => void;
  readonly forget: () => void;
  readonly length: () => number;
};

/** Jobs one at a time, in order. */
function createQueue(memory: Memory, changed: () => void): Queue {
  let pending: Job[] = [];
  let running: Job | undefined;
  let life = 0;
  let count = 0;

  const work = async (): Promise<void> => {
    const thisLife = life;
    for (let job = pending.shift(); job !== undefined; job = pending.shift()) {
      running = job;
      changed();
      await execute(job, memory, () => life === thisLife);
      if (life !== thisLife) return;
      running = undefined;
      changed();
    }
  };
  const item = ({ number, id, graph, clientId }: Job): unknown[] => [
    number,
    id,
    graph,
    { client_id: clientId },
    [],
  ];
  return {
    submit(body, nextBehaviour) {
      const { prompt, client_id: clientId = '' } = (body ?? {}) as { prompt?: unknown; client_id?: string };
      const verdict = judge(prompt);
      const { node_errors } = verdict;
      if (!verdict.taken) return json(400, { error: { ...verdict.error, extra_info: {} }, node_errors });
      const behaviour = nextBehaviour();
      const graph = prompt as Job['graph'];
      const job = {
        id: randomUUID(),
        number: count,
        graph,
        clientId,
        behaviour,
        stop: new AbortController(),
      };
      count += 1;
      pending.push(job);
      // After the answer, as ComfyUI's other thread does.
      if (running === undefined) setImmediate(() => void (running === undefined && work()));
      const left = {
        unsaved: {
          class_type: 'PreviewImage',
          errors: [{ type: 'value_not_in_list', message: 'Value not in list', details: 'a picture' }],
          dependent_outputs: ['unsaved'],
        },
      };
      return json(200, {
        prompt_id: job.id,
        number: job.number,
        node_errors: behaviour.partial === true ? left : node_errors,
      });
    },
    listed: () => ({
      queue_running: running === undefined ? [] : [item(running)],
      queue_pending: pending.map(item),
    }),
    remove(ids) {
      pending = pending.filter(({ id }) => !ids.includes(id));
      changed();
    },
    interrupt(id) {
      if (running !== undefined && (id === undefined || running.id === id)) running.stop.abort();
    },
    forget() {
      life += 1;
      pending = [];
      running = undefined;
    },
    length: () => pending.length + (running === undefined ? 0 : 1),
  };
}

function view(files: ReadonlyMap<string, Buffer>, query: Readonly<Record<string, string>>): Answer {
  const { filename = '', subfolder = '', type = 'output' } = query;
  const refuse = (status: number): Answer => ({ status, body: '', type: 'application/octet-stream' });
  if (filename === '' || filename.startsWith('/') || filename.includes('..')) return refuse(400);
  if (!['output', 'temp', 'input'].includes(type)) return refuse(400);
  if (subfolder.startsWith('/') || subfolder.includes('..')) return refuse(403);
  const bytes = files.get(`${type}/${subfolder}/${filename}`);
  if (bytes === undefined) return refuse(404);
  const mime = { png: 'image/png', flac: 'audio/flac', mp3: 'audio/mpeg' };
  const extension = filename.split('.').at(-1) as keyof typeof mime;
  return { status: 200, body: bytes, type: mime[extension] ?? 'application/octet-stream' };
}

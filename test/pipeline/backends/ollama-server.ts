import { cutWithinCharacters, type ModelAnswer, modelAnswer, tokensOf } from './model-answer.ts';
import { type OllamaModel, refusedChat } from './ollama-request.ts';
import {
  type PlainAnswer,
  type Received,
  type ScriptedServer,
  startScripted,
  type Turn,
} from './scripted-server.ts';

/** What can go wrong with `POST /api/chat`. */
export type OllamaFault =
  /** Pieces end within a character and within a line. */
  | 'cut-characters'
  /** All lines come in one piece. */
  | 'joined-lines'
  /** The last line has no end. */
  | 'no-last-newline'
  | 'no-counters'
  /** The answer is thinking only; its content is empty. */
  | 'thinking-only'
  /** Another host did the work. */
  | 'remote-host'
  /** An error line under HTTP 200, before or after content. */
  | 'error-first'
  | 'error-midway'
  /** The connection breaks, or the stream just ends, in the middle of the answer. */
  | 'cut-off'
  | 'ends-early'
  /** A proxy's page under HTTP 200. */
  | 'html'
  /** Nothing at all, or nothing more after the first line, until `release`. */
  | 'held'
  | 'stalled'
  /** The head, and then nothing until `release`. */
  | 'head-only'
  | PlainAnswer;

/** The faults that Ollama tells by a status. */
export const ollamaStatus = {
  busy: jsonAnswer(503, 'server busy, please try again.  maximum pending requests exceeded'),
  failed: jsonAnswer(500, 'model runner has unexpectedly stopped'),
  badGateway: { status: 502, body: '<html><body><h1>502 Bad Gateway</h1></body></html>', type: 'text/html' },
} satisfies Record<string, PlainAnswer>;

export type OllamaServer = ScriptedServer<OllamaFault> & {
  /** The models of `/api/tags`; a test may change them. */
  models: readonly OllamaModel[];
  /** What becomes of the next calls of `/api/tags`, one each. */
  readonly tagsAnswers: (PlainAnswer | 'held' | 'none')[];
};

type Options = {
  readonly models?: readonly OllamaModel[];
  readonly answer?: (request: Received) => ModelAnswer;
};

export const someModel: OllamaModel = { name: 'llama3.2:latest', digest: 'a8'.repeat(32) };
export const someGuard: OllamaModel = { name: 'llama-guard3:1b', digest: '49'.repeat(32) };

/**
 * A server that speaks Ollama's `/api/chat` and `/api/tags`, refuses what Ollama refuses, and fails by its script. Each
 * chat that Ollama would take uses up one fault of it.
 */
export async function startOllama({
  models = [someModel, someGuard],
  answer = answerTo,
}: Options = {}): Promise<OllamaServer> {
  const tagsAnswers: OllamaServer['tagsAnswers'] = [];
  const server = await startScripted<OllamaFault>(async (request, turn, nextFault) => {
    if (request.path === '/api/tags' && request.method === 'GET') {
      const other = tagsAnswers.shift() ?? 'none';
      if (other === 'held') await turn.hold();
      const list = { status: 200, body: JSON.stringify({ models: listed(started.models) }) };
      return turn.plain(typeof other === 'object' ? other : list);
    }
    const refused = refusedChat(request, started.models);
    if (refused) return turn.plain(refused);
    await speak(request, answer(request), turn, nextFault());
  });
  const started: OllamaServer = Object.assign(server, { models, tagsAnswers });
  return started;
}

function jsonAnswer(status: number, error: string): PlainAnswer {
  return { status, body: JSON.stringify({ error }) };
}

const listed = (models: readonly OllamaModel[]): unknown =>
  models.map(({ name, digest }) => ({
    name,
    model: name,
    modified_at: '2026-01-01T12:00:00.000000000Z',
    size: 2_019_393_189,
    digest,
    details: { format: 'gguf', family: 'llama', parameter_size: '3.2B', quantization_level: 'Q4_K_M' },
  }));

type ChatBody = {
  readonly model: string;
  readonly messages: readonly { readonly content: string }[];
  readonly stream?: boolean;
};

/** The request was checked before. */
const chatOf = ({ body }: Received): ChatBody => body as ChatBody;

function answerTo(request: Received): ModelAnswer {
  const { model, messages } = chatOf(request);
  return modelAnswer(model, messages.at(-1)?.content ?? '');
}

async function speak(
  request: Received,
  answer: ModelAnswer,
  turn: Turn,
  fault: OllamaFault | 'none',
): Promise<void> {
  if (typeof fault === 'object') return turn.plain(fault);
  const { response, write, hold, cut } = turn;
  if (fault === 'held') await hold();
  if (chatOf(request).stream === false) return whole(request, answer, turn);
  response.writeHead(200, { 'content-type': fault === 'html' ? 'text/html' : 'application/x-ndjson' });
  if (fault === 'head-only') {
    response.flushHeaders();
    await hold();
  }
  const [first = '', ...others] = linesOf(request, answer, fault);
  switch (fault) {
    case 'html':
      await write(['<html><body>Sign in to the network first</body></html>']);
      break;
    case 'error-first':
      await write([errorLine]);
      break;
    case 'error-midway':
      await write([first, errorLine]);
      break;
    case 'cut-off':
      await write([first]);
      return cut();
    case 'ends-early':
      await write([first]);
      break;
    case 'stalled':
      await write([first]);
      await hold();
      await write(others);
      break;
    case 'joined-lines':
      await write([[first, ...others].join('')]);
      break;
    case 'no-last-newline':
      await write([[first, ...others].join('').trimEnd()]);
      break;
    case 'cut-characters':
      await write(cutWithinCharacters(Buffer.from([first, ...others].join(''))));
      break;
    default:
      await write([first, ...others]);
  }
  response.end();
}

const errorLine = `${JSON.stringify({ error: 'an error was encountered while running the model' })}\n`;
const at = '2026-01-01T12:00:00.123456789Z';

/** One line for each piece of the answer, and the last with the counters. */
function linesOf(request: Received, answer: ModelAnswer, fault: OllamaFault | 'none'): readonly string[] {
  const { model } = chatOf(request);
  const names =
    fault === 'remote-host'
      ? { model, remote_model: `${model}-cloud`, remote_host: 'https://ollama.example:443' }
      : { model };
  const line = (message: object, rest: object): string =>
    `${JSON.stringify({ ...names, created_at: at, message: { role: 'assistant', ...message }, ...rest })}\n`;
  const { text, thinking = '' } = fault === 'thinking-only' ? { text: '', thinking: answer.text } : answer;
  return [
    ...tokensOf(thinking).map((piece) => line({ content: '', thinking: piece }, { done: false })),
    ...tokensOf(text).map((content) => line({ content }, { done: false })),
    line(
      { content: '' },
      { done: true, done_reason: 'stop', ...(fault === 'no-counters' ? {} : countersOf(request, answer)) },
    ),
  ];
}

/** Go leaves a zero out; these are never zero. */
const countersOf = (request: Received, { text }: ModelAnswer) => ({
  total_duration: 4_883_583_458,
  load_duration: 1_334_875,
  prompt_eval_count: 1 + tokensOf(chatOf(request).messages.at(-1)?.content ?? '').length,
  prompt_eval_duration: 342_546_000,
  eval_count: 1 + tokensOf(text).length,
  eval_duration: 4_535_599_000,
});

function whole(request: Received, answer: ModelAnswer, { plain }: Turn): void {
  const message = { role: 'assistant', content: answer.text };
  const { model } = chatOf(request);
  const body = {
    model,
    created_at: at,
    message,
    done: true,
    done_reason: 'stop',
    ...countersOf(request, answer),
  };
  plain({ status: 200, body: JSON.stringify(body) });
}

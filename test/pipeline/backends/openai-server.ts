import { cutWithinCharacters, type ModelAnswer, modelAnswer, tokensOf } from './model-answer.ts';
import { type Flavour, refusedCompletion } from './openai-request.ts';
import {
  type PlainAnswer,
  type Received,
  type ScriptedServer,
  startScripted,
  type Turn,
} from './scripted-server.ts';

/** What can go wrong with `POST …/chat/completions`, and what is right but seldom. */
export type OpenaiFault =
  | 'crlf'
  | 'byte-order-mark'
  | 'comments'
  /** The JSON of a chunk stands on several `data:` lines. */
  | 'multi-line-data'
  /** Pieces end within a character. */
  | 'cut-characters'
  /** All events come in one piece. */
  | 'joined-events'
  /** The answer is thinking only, in the word of OpenRouter or in that of DeepSeek. */
  | 'reasoning-only'
  | 'reasoning-content-only'
  | 'no-usage'
  /** The stream ends after the finish reason, without `[DONE]`. */
  | 'no-done'
  /** An error event under HTTP 200, before or after content. */
  | 'error-first'
  | 'error-midway'
  /** A provider flags what was streamed already. */
  | 'moderated-midway'
  /** An error event of the older vLLM, without a member `error`. */
  | 'other-form'
  /** The connection breaks, or the stream just ends, in the middle of the answer. */
  | 'cut-off'
  | 'ends-early'
  /** Nothing at all, or nothing more after the first event, until `release`. */
  | 'held'
  | 'stalled'
  | PlainAnswer;

const bad = (status: number, error: object): PlainAnswer => ({ status, body: JSON.stringify({ error }) });

/** The faults that servers of this protocol tell by a status, or by JSON and HTML where a stream was asked for. */
export const openaiStatus = {
  /** llama.cpp. */
  loading: bad(503, { code: 503, message: 'Loading model', type: 'unavailable_error' }),
  limited: {
    ...bad(429, {
      message: 'Rate limit reached',
      type: 'requests',
      param: null,
      code: 'rate_limit_exceeded',
    }),
    headers: { 'retry-after': '7' },
  },
  plainError: { status: 400, body: JSON.stringify({ error: 'the prompt is too long' }) },
  badGateway: { status: 502, body: '<html><body>Bad gateway</body></html>', type: 'text/html' },
  html: { status: 200, body: '<html><body>Sign in first</body></html>', type: 'text/html' },
  jsonError: bad(200, {
    message: 'Provider returned error',
    code: 502,
    metadata: { error_type: 'provider_unavailable' },
  }),
  moderated: bad(403, {
    code: 403,
    message: 'The input was flagged',
    metadata: {
      reasons: ['violence/graphic', 'self harm'],
      flagged_input: 'a marker of the prompt',
      provider_name: 'Example',
      model_slug: 'example/large',
    },
  }),
  violation: bad(400, {
    code: 400,
    message: 'The output was flagged',
    metadata: { error_type: 'content_policy_violation' },
  }),
  outOfCredits: bad(402, {
    code: 402,
    message: 'Insufficient credits',
    metadata: { error_type: 'payment_required' },
  }),
} satisfies Record<string, PlainAnswer>;

export type OpenaiServer = ScriptedServer<OpenaiFault>;

type Options = {
  readonly flavour?: Flavour;
  readonly models?: readonly string[];
  /** Asked for where it is given; OpenRouter always asks. */
  readonly apiKey?: string;
  readonly answer?: (request: Received) => ModelAnswer;
};

export const openrouterKey = 'sk-or-v1-0123456789abcdef';

export const bases: Readonly<Record<Flavour, string>> = { openai: '/v1', openrouter: '/api/v1' };

/**
 * A server that speaks `/chat/completions` as OpenAI or as OpenRouter does, refuses what they refuse, and fails by its
 * script. `url` is the base for the adapter. Each completion that it would take uses up one fault of the script.
 */
export async function startOpenai(options: Options = {}): Promise<OpenaiServer> {
  const server = await startScripted<OpenaiFault>(answerChats(options));
  return { ...server, url: server.url + bases[options.flavour ?? 'openai'] };
}

/** Answers requests for texts. */
export function answerChats({
  flavour = 'openai',
  models = ['example/large', 'example/llama-guard'],
  apiKey = flavour === 'openrouter' ? openrouterKey : undefined,
  answer = answerTo,
}: Options) {
  const base = bases[flavour];
  return async (request: Received, turn: Turn, nextFault: () => OpenaiFault | 'none'): Promise<void> => {
    const refused = refusedCompletion(flavour, request, { base, apiKey, models });
    if (refused) return turn.plain(refused);
    await speak(flavour, request, answer(request), turn, nextFault());
  };
}

type ChatBody = {
  readonly model: string;
  readonly messages: readonly { readonly content: string | readonly { readonly text?: string }[] }[];
  readonly stream?: boolean;
  readonly stream_options?: { readonly include_usage?: boolean };
};

/** The request was checked before. */
const chatOf = ({ body }: Received): ChatBody => body as ChatBody;

function promptOf(request: Received): string {
  const content = chatOf(request).messages.at(-1)?.content ?? '';
  return typeof content === 'string' ? content : content.map(({ text = '' }) => text).join('');
}

const answerTo = (request: Received): ModelAnswer => modelAnswer(chatOf(request).model, promptOf(request));

async function speak(
  flavour: Flavour,
  request: Received,
  answer: ModelAnswer,
  turn: Turn,
  fault: OpenaiFault | 'none',
): Promise<void> {
  if (typeof fault === 'object') return turn.plain(fault);
  const { response, write, hold, cut } = turn;
  if (fault === 'held') await hold();
  if (chatOf(request).stream !== true) return whole(flavour, request, answer, turn);
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    ...(flavour === 'openrouter' ? { 'x-generation-id': generation } : {}),
  });
  const event = writerOf(fault);
  const [first = '', ...others] = chunksOf(flavour, request, answer, fault).map(event);
  const done = fault === 'no-done' ? '' : event('[DONE]');
  if (flavour === 'openrouter' || fault === 'comments') await write([': OPENROUTER PROCESSING\n\n']);
  switch (fault) {
    case 'error-first':
      await write([event(errorChunk(flavour)), done]);
      break;
    case 'error-midway':
      await write([first, event(errorChunk(flavour)), done]);
      break;
    case 'moderated-midway':
      await write([first, event(openaiStatus.violation.body)]);
      break;
    case 'other-form':
      await write([event(JSON.stringify({ object: 'error', message: 'out of memory', code: 500 })), done]);
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
      await write([...others, done]);
      break;
    case 'cut-characters':
      await write(cutWithinCharacters(Buffer.from([first, ...others, done].join(''))));
      break;
    case 'joined-events':
      await write([[first, ...others, done].join('')]);
      break;
    default:
      await write([fault === 'byte-order-mark' ? `\uFEFF${first}` : first, ...others, done]);
  }
  response.end();
}

/** How an event is written. */
function writerOf(fault: OpenaiFault | 'none'): (data: string) => string {
  const [end, comment] = [fault === 'crlf' ? '\r\n' : '\n', fault === 'comments' ? ': still here\n\n' : ''];
  return (data) => {
    const text =
      fault === 'multi-line-data' && data !== '[DONE]' ? JSON.stringify(JSON.parse(data), null, 1) : data;
    const lines = text.split('\n').map((line) => `data: ${line}${end}`);
    return `${comment}${lines.join('')}${end}`;
  };
}

const generation = 'gen-1767268800-Ab3dEf6hIj9k';

function namesOf(flavour: Flavour, request: Received): object {
  const { model } = chatOf(request);
  const names = {
    object: 'chat.completion.chunk',
    created: 1_767_268_800,
    model,
    system_fingerprint: 'fp_44709d6fcb',
  };
  return flavour === 'openai'
    ? { id: 'chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT', ...names }
    : { id: generation, provider: 'Example', ...names };
}

/** One chunk for each piece of the answer, one with the finish reason, one with the usage. */
function chunksOf(
  flavour: Flavour,
  request: Received,
  answer: ModelAnswer,
  fault: OpenaiFault | 'none',
): readonly string[] {
  const names = namesOf(flavour, request);
  const chunk = (delta: object, finish_reason: string | null = null): string =>
    JSON.stringify({ ...names, choices: [{ index: 0, delta, finish_reason }] });
  const isThinking = fault === 'reasoning-only' || fault === 'reasoning-content-only';
  const { text, thinking = '' } = isThinking ? { text: '', thinking: answer.text } : answer;
  const word = fault === 'reasoning-content-only' ? 'reasoning_content' : 'reasoning';
  const wantsUsage = flavour === 'openrouter' || chatOf(request).stream_options?.include_usage === true;
  const usage = JSON.stringify({ ...names, choices: [], usage: usageOf(flavour, request, answer) });
  return [
    ...tokensOf(thinking).map((piece) => chunk({ role: 'assistant', content: '', [word]: piece })),
    ...tokensOf(text).map((content) => chunk({ role: 'assistant', content })),
    chunk({}, 'stop'),
    ...(wantsUsage && fault !== 'no-usage' ? [usage] : []),
  ];
}

function usageOf(flavour: Flavour, request: Received, answer: ModelAnswer): object {
  const [prompt, completion] = [tokensOf(promptOf(request)).length, tokensOf(answer.text).length + 4];
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: 2 },
    completion_tokens_details: { reasoning_tokens: 4 },
    ...(flavour === 'openrouter' ? { cost: 0.00014 } : {}),
  };
}

function errorChunk(flavour: Flavour): string {
  return flavour === 'openai'
    ? JSON.stringify({ error: { message: 'The server had an error', type: 'server_error', code: null } })
    : JSON.stringify({
        id: generation,
        object: 'chat.completion.chunk',
        provider: 'Example',
        error: {
          code: 502,
          message: 'Provider disconnected',
          metadata: { error_type: 'provider_unavailable' },
        },
        choices: [{ index: 0, delta: { content: '' }, finish_reason: 'error' }],
      });
}

function whole(flavour: Flavour, request: Received, answer: ModelAnswer, { plain }: Turn): void {
  const message = { role: 'assistant', content: answer.text };
  const body = {
    ...namesOf(flavour, request),
    object: 'chat.completion',
    choices: [{ index: 0, message, finish_reason: 'stop' }],
    usage: usageOf(flavour, request, answer),
  };
  plain({ status: 200, body: JSON.stringify(body) });
}

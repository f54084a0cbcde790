import { collectedBytes } from './bytes-of.ts';
import type { Replay } from '../../src/exporters/contract.ts';
import type { ExecutionRecord } from '../../src/run/record.ts';
import { type Asked, guardModel, type House, openHouse } from '../house.ts';
import { type LedgerService, startLedgerService } from '../http/ledger-service.ts';
import { ollamaStatus } from '../pipeline/backends/ollama-server.ts';
import { openaiStatus } from '../pipeline/backends/openai-server.ts';
import { replayOf } from './replay-of.ts';

type Answer = (asked: Asked) => string | undefined;

/** One path of domain.md §5: what is asked for, and what the model servers do about it. */
type Path = {
  readonly workflow: string;
  readonly input?: string;
  readonly more?: object;
  readonly prepare?: (house: House) => void;
  readonly answer?: Answer;
};

const bloody = 'Überall Blut an der Wand';
const isGuard = ({ model }: Asked): boolean => model === guardModel.name;
const guardSays =
  (verdict: string): Answer =>
  (asked) => {
    if (isGuard(asked)) return verdict;
    return asked.prompt.includes('PROMPT:') ? 'a wall full of blood' : undefined;
  };

/** Every path of the pipeline, by its name in the specification. */
const paths: Readonly<Record<string, Path>> = {
  'text only': { workflow: 'text_only' },
  'one image': { workflow: 'dada' },
  'two outputs': { workflow: 'image_comparison' },
  'telephone game': { workflow: 'stillepost' },
  'stage-1 block': { workflow: 'dada', input: bloody, answer: guardSays('unsafe\nS1') },
  'stage-2 error': {
    workflow: 'stillepost',
    prepare: ({ ollama }) => ollama.script('none', 'none', 'none', ollamaStatus.failed),
  },
  'stage-3 block': { workflow: 'image_comparison', answer: guardSays('unsafe\nS1') },
  'stage-4 failure': {
    workflow: 'image_comparison',
    prepare: ({ comfyui }) =>
      comfyui.next({ fails: { exception_type: 'OutOfMemoryError', exception_message: 'no room' } }),
  },
  'checker down in stage 1': {
    workflow: 'dada',
    input: bloody,
    prepare: ({ ollama }) => ollama.script(ollamaStatus.failed),
  },
  'checker down in stage 3': { workflow: 'image_comparison', answer: guardSays('<think>is it') },
  'level research': { workflow: 'dada', input: bloody, more: { safety_level: 'research' } },
  'a provider refuses': {
    workflow: 'dada',
    more: { execution_mode: 'fast' },
    prepare: ({ openrouter }) => openrouter.script(openaiStatus.moderated),
  },
};

export const pathNames: readonly string[] = Object.keys(paths);

/** Runs every path on a service of its own, against model servers that speak the real protocols. */
export const pathRuns = (): Promise<ReadonlyMap<string, Replay>> => eachPath(replayFrom);

/** What `tell` says of the run of every path, by the path's name; the service is there while it does. */
export async function eachPath<T>(
  tell: (service: LedgerService, executionId: string) => Promise<T>,
): Promise<ReadonlyMap<string, T>> {
  let answer: Answer = () => undefined;
  const house = await openHouse((asked) => answer(asked));
  const service = await startLedgerService(house.settings);
  const told = new Map<string, T>();
  try {
    await publishTextOnly(service);
    let seed = 0;
    for (const [name, { workflow, input, more, prepare, answer: says }] of Object.entries(paths)) {
      answer = says ?? (() => undefined);
      prepare?.(house);
      seed += 1;
      const reply = await service.post('/api/schema/pipeline/execute', {
        schema: workflow,
        input_text: input ?? 'Eine Blume auf der Wiese',
        seed,
        ...more,
      });
      told.set(name, await tell(service, String(reply.json['execution_id'])));
    }
  } finally {
    await service.close();
    await house.close();
  }
  return told;
}

async function publishTextOnly(service: LedgerService): Promise<void> {
  const { json } = await service.get('/api/workflows/dada');
  const media_preferences = { default_output: 'text' };
  const document = { ...(json['document'] as object), id: 'text_only', media_preferences };
  await service.put('/api/workflows/text_only', document, { 'if-none-match': '*' });
}

async function replayFrom(service: LedgerService, executionId: string): Promise<Replay> {
  const record = (await service.get(`/api/runs/${executionId}`)).json as unknown as ExecutionRecord;
  const media: Uint8Array[] = [];
  const { signal } = new AbortController();
  for (const { file_path } of record.items) {
    const sha256 = /^\/api\/media\/(.+)$/.exec(file_path ?? '')?.[1];
    if (sha256 === undefined) continue;
    media.push(await collectedBytes((await service.ledger.service.openMedia(sha256)).read(signal)));
  }
  return replayOf(record, { media });
}

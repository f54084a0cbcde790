import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BackendAddresses } from '../../src/config.ts';
import { BackendError } from '../../src/pipeline/backends/backend-error.ts';
import type { TextBackend, TextResponse } from '../../src/pipeline/backends/text-backend.ts';
import type { PlannedOutput } from '../../src/pipeline/plan.ts';
import { bundledPolicy } from '../../src/safety/bundled-policy.ts';
import { activatePolicy } from '../../src/safety/policy.ts';
import { askLocal } from '../../src/service/ask-local.ts';
import { createBackends } from '../../src/service/backends.ts';
import { guardModel, type House, openHouse } from '../house.ts';

let house: House;
beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house.close());

const none: BackendAddresses = {
  ollama: undefined,
  comfyui: undefined,
  openai: undefined,
  openrouter: undefined,
};
const policy = activatePolicy(bundledPolicy);
const backends = (addresses: Partial<BackendAddresses>) => createBackends({ ...none, ...addresses }, () => 0);
const namesOf = (addresses: Partial<BackendAddresses>) => {
  const { textOf, mediaOf, contextCheckOf } = backends(addresses);
  const output = (backend: string, mediaType: PlannedOutput['mediaType'] = 'image') =>
    mediaOf({ config: 'x', mediaType, backend, model: null, parameters: {} })?.name;
  return {
    eco: textOf('eco').name,
    fast: textOf('fast').name,
    picture: output('comfyui'),
    cloudPicture: output('openrouter'),
    music: output('comfyui', 'music'),
    check: contextCheckOf(policy).model,
  };
};

const builtin = {
  eco: 'builtin',
  fast: 'builtin',
  picture: 'builtin',
  cloudPicture: 'builtin',
  music: undefined,
  check: 'builtin/context-rules',
};
const openrouter = { url: 'https://cloud.example/api/v1', apiKey: 'k' };
const near = 'http://127.0.0.1:9';
const far = 'https://models.example/v1';

describe('what serves', () => {
  test.each<[string, Partial<BackendAddresses>, object]>([
    ['nothing set: the built-in one, which makes no music', {}, builtin],
    ['Ollama: texts in the house, and safety', { ollama: near }, { eco: 'ollama', check: guardModel.name }],
    ['a compatible server: the same', { openai: near }, { eco: 'openai', check: guardModel.name }],
    ['both: Ollama', { ollama: near, openai: near }, { eco: 'ollama', check: guardModel.name }],
    ['ComfyUI: pictures and music', { comfyui: near }, { picture: 'comfyui', music: 'comfyui' }],
    ['OpenRouter: only what is fast', { openrouter }, { fast: 'openrouter', cloudPicture: 'openrouter' }],
    ['a server outside the house is asked for texts, never for safety', { openai: far }, { eco: 'openai' }],
    [
      'a server in the house judges for one outside',
      { ollama: far, openai: near },
      { eco: 'ollama', check: guardModel.name },
    ],
  ])('%s', (_, addresses, expected) => {
    expect(namesOf(addresses)).toEqual({ ...builtin, ...expected });
  });
});

describe('a safety question', () => {
  const question = { prompt: 'Is this safe?', model: guardModel.name, parameters: { temperature: 0 } };
  const unaborted = new AbortController().signal;
  const waits: number[] = [];
  const backOff = async (tries: number): Promise<void> => void waits.push(tries);
  const answered: TextResponse = {
    text: 'safe',
    model: guardModel.name,
    backend: 'ollama',
    executionSeconds: 1,
    method: 'llm',
    seed: null,
    finishReason: 'stop',
  };
  const failing = (...failures: readonly BackendError[]): TextBackend => {
    const left = [...failures];
    return {
      name: 'ollama',
      run: () => {
        const failure = left.shift();
        return failure === undefined ? Promise.resolve(answered) : Promise.reject(failure);
      },
    };
  };
  const busy = new BackendError('BACKEND_BUSY', { backend: 'ollama', status: 503 });
  const broken = new BackendError('BACKEND_FAILED', { backend: 'ollama', what: 'HTTP 500' });

  test('goes to a model of the house, with its digest in the answer', async () => {
    const answer = await backends({ ollama: house.ollama.url }).ask(question, unaborted);
    expect(answer).toMatchObject({
      text: 'safe',
      model: guardModel.name,
      backend: 'ollama',
      modelDigest: guardModel.digest,
      finishReason: 'stop',
      tries: 1,
    });
  });

  test('is repeated where the server is away or busy, three times at most', async () => {
    const answer = await askLocal(failing(busy, busy), backOff)(question, unaborted);
    expect(answer.tries).toBe(3);
    expect(waits).toEqual([1, 2]);
    const refused = askLocal(failing(busy, busy, busy), backOff)(question, unaborted);
    await expect(refused).rejects.toMatchObject({ code: 'BACKEND_BUSY' });
  });

  test('is not repeated where it failed', async () => {
    const failed = askLocal(failing(broken), backOff)(question, unaborted);
    await expect(failed).rejects.toMatchObject({ code: 'BACKEND_FAILED' });
  });

  test('whose answer came from outside the house is no answer', async () => {
    const remote: TextBackend = {
      name: 'ollama',
      run: () => Promise.resolve({ ...answered, remoteHost: 'ollama.example' }),
    };
    const refused = askLocal(remote, backOff)(question, unaborted);
    await expect(refused).rejects.toMatchObject({
      code: 'BACKEND_REFUSED',
      message: expect.stringContaining('outside the house'),
    });
  });

  test('without any server of the house is refused', async () => {
    const refused = backends({ openai: far }).ask(question, unaborted);
    await expect(refused).rejects.toMatchObject({ code: 'BACKEND_REFUSED' });
  });
});

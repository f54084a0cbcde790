import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { modelAnswer } from './model-answer.ts';
import { type OllamaServer, startOllama } from './ollama-server.ts';
import { type OpenaiServer, openrouterKey, startOpenai } from './openai-server.ts';

const user = { role: 'user', content: 'tulips' };

const send = async (
  url: string,
  body: unknown,
  init: RequestInit = {},
): Promise<{ status: number; text: string }> => {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(url, { method: 'POST', body: text, ...init });
  return { status: response.status, text: await response.text() };
};

describe('the Ollama of the tests', () => {
  let server: OllamaServer;
  beforeAll(async () => {
    server = await startOllama();
  });
  afterAll(() => server.close());

  const chat = { model: 'llama3.2', messages: [user] };

  test.each([
    ['a body that is missing', '', 400, 'missing request body'],
    ['a body that is no JSON', '{', 400, 'invalid character'],
    ['no model', { messages: [user] }, 400, 'model is required'],
    ['another model', { ...chat, model: 'x' }, 404, "model 'x' not found"],
    ['no messages', { model: 'llama3.2' }, 400, 'messages'],
    ['an unknown role', { ...chat, messages: [{ ...user, role: 'person' }] }, 400, 'role'],
    ['a content that is no text', { ...chat, messages: [{ ...user, content: 7 }] }, 400, 'content'],
    ['a picture that is no base64', { ...chat, messages: [{ ...user, images: ['data:…'] }] }, 400, 'images'],
    ['a temperature that is no number', { ...chat, options: { temperature: 'hot' } }, 500, 'temperature'],
  ])('refuses %s', async (_, body, status, said) => {
    const answer = await send(`${server.url}/api/chat`, body);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.text)).toEqual({ error: expect.stringContaining(said) });
  });

  test('refuses other paths and methods', async () => {
    expect((await send(`${server.url}/v2/chat`, chat)).status).toBe(404);
    expect((await send(`${server.url}/api/tags`, chat)).status).toBe(405);
    expect((await fetch(`${server.url}/api/chat`)).status).toBe(405);
  });

  test('answers whole where no stream is wanted, and takes nothing from the script for what it refused', async () => {
    server.script('no-counters');
    await send(`${server.url}/api/chat`, { ...chat, model: 'x' });
    const answer = await send(`${server.url}/api/chat`, { ...chat, stream: false });
    expect(JSON.parse(answer.text)).toMatchObject({ message: { content: 'Told again: tulips' }, done: true });
  });
});

describe.each(['openai', 'openrouter'] as const)('the %s of the tests', (flavour) => {
  let server: OpenaiServer;
  beforeAll(async () => {
    server = await startOpenai({ flavour, apiKey: openrouterKey });
  });
  afterAll(() => server.close());

  const chat = { model: 'example/large', messages: [user] };
  const headers = { authorization: `Bearer ${openrouterKey}` };

  test.each([
    ['a body that is no JSON', '{', 400],
    ['no model', { messages: [user] }, 400],
    ['another model', { ...chat, model: 'x' }, flavour === 'openai' ? 404 : 400],
    ['no messages', { ...chat, messages: [] }, 400],
    ['an unknown role', { ...chat, messages: [{ ...user, role: 'person' }] }, 400],
    ['a part of an unknown type', { ...chat, messages: [{ ...user, content: [{ type: 'image' }] }] }, 400],
    [
      'a picture that is no data URL of one',
      {
        ...chat,
        messages: [{ ...user, content: [{ type: 'image_url', image_url: { url: 'data:text/plain,x' } }] }],
      },
      400,
    ],
    ['a temperature beyond its range', { ...chat, temperature: 3 }, 400],
    ['a number of tokens that is no whole one', { ...chat, max_tokens: 1.5 }, 400],
    ['options of a stream without a stream', { ...chat, stream_options: { include_usage: true } }, 400],
  ])('refuses %s', async (_, body, status) => {
    const answer = await send(`${server.url}/chat/completions`, body, { headers });
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.text)).toMatchObject({ error: { message: expect.any(String) } });
  });

  test('refuses other keys, paths and methods', async () => {
    const url = `${server.url}/chat/completions`;
    expect((await send(url, chat)).status).toBe(401);
    expect((await send(url, chat, { headers: { authorization: 'Bearer other' } })).status).toBe(401);
    expect((await send(`${server.url}/completions`, chat, { headers })).status).toBe(404);
    expect((await fetch(url, { headers })).status).toBe(405);
  });

  test('takes words of its own, or refuses them', async () => {
    const { status } = await send(`${server.url}/chat/completions`, { ...chat, top_k: 40 }, { headers });
    expect(status).toBe(flavour === 'openai' ? 400 : 200);
  });

  test('answers whole where no stream is wanted', async () => {
    const answer = await send(`${server.url}/chat/completions`, chat, { headers });
    expect(JSON.parse(answer.text)).toMatchObject({
      choices: [{ message: { content: 'Told again: tulips' } }],
    });
  });
});

describe('a model of the tests', () => {
  test('repeats the person’s own text, and does not grow when it is asked again', () => {
    const once = modelAnswer('llama3.2', 'TASK:\nRewrite it.\n\nCONTEXT:\nDada\n\nPROMPT:\ntwo tulips').text;
    expect(once).toBe('Told again: two tulips');
    expect(modelAnswer('llama3.2', `Translate the text below.\n\n${once}`).text).toBe(once);
  });

  test('finds everything safe where it is a guard', () => {
    expect(modelAnswer('llama-guard3:1b', 'anything').text).toBe('safe');
  });
});

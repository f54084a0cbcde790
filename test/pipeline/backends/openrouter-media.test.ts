import { Buffer } from 'node:buffer';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findUnrecordable } from '../../../src/events/recordable.ts';
import { usage } from '../../../src/events/usage.ts';
import type { BackendError } from '../../../src/pipeline/backends/backend-error.ts';
import type { MediaRequest, MediaResponse } from '../../../src/pipeline/backends/media-backend.ts';
import { openrouterMedia } from '../../../src/pipeline/backends/openrouter/openrouter-media.ts';
import { defaultTimeouts } from '../../../src/pipeline/backends/timeouts.ts';
import { tickingClock } from '../harness.ts';
import { openaiStatus, openrouterKey } from './openai-server.ts';
import {
  type PictureFault,
  pictureModel,
  pictureOf,
  type PictureServer,
  startPictureServer,
} from './openrouter-image-server.ts';
import { failureOf, jpeg, png, unaborted } from './text-request.ts';

let server: PictureServer;
beforeEach(async () => {
  server = await startPictureServer();
});
afterEach(() => server.close());

const request = (overrides: Partial<MediaRequest> = {}): MediaRequest => ({
  config: 'gpt5_image',
  mediaType: 'image',
  prompt: 'A red flower — ☾, "quoted"',
  model: pictureModel,
  seed: 42,
  parameters: { width: 1024, height: 1024, format: 'png' },
  ...overrides,
});

type Options = Partial<Parameters<typeof openrouterMedia>[0]>;

const generate = (
  overrides: Partial<MediaRequest> = {},
  options: Options = {},
  signal = unaborted(),
): Promise<MediaResponse> =>
  openrouterMedia({ url: server.url, apiKey: openrouterKey, clock: tickingClock(), ...options }).generate(
    request(overrides),
    signal,
  );

const after = (fault: PictureFault, options: Options = {}): Promise<MediaResponse> => {
  server.script(fault);
  return generate({}, options);
};
const failed = (fault: PictureFault): Promise<BackendError> => failureOf(after(fault));
const bytesOf = ({ media }: MediaResponse): readonly Buffer[] =>
  media.map(({ body }) => Buffer.from('bytes' in body ? body.bytes : []));

const realKey = process.env['OPENROUTER_API_KEY'];
const realModel = process.env['OPENROUTER_IMAGE_MODEL'] ?? 'google/gemini-2.5-flash-image';
const realUrl = process.env['OPENROUTER_URL'] ?? 'https://openrouter.ai/api/v1';

describe.each([
  {
    where: 'the test server',
    url: () => server.url,
    apiKey: openrouterKey,
    model: pictureModel,
    isAbsent: false,
  },
  {
    where: realKey === undefined ? 'a real one: no OPENROUTER_API_KEY' : `the real one with ${realModel}`,
    url: () => realUrl,
    apiKey: realKey ?? '',
    model: realModel,
    isAbsent: realKey === undefined,
  },
])('on $where', ({ url, apiKey, model, isAbsent }) => {
  test.skipIf(isAbsent)(
    'a picture comes with its size, its cost and the host that the prompt left the house for',
    async () => {
      const backend = openrouterMedia({ url: url(), apiKey, clock: tickingClock() });
      const response = await backend.generate(request({ model }), unaborted());
      expect(response).toMatchObject({
        backend: 'openrouter',
        model: expect.stringContaining('/'),
        seed: null,
        remoteHost: new URL(url()).host,
        usage: { images: response.media.length, reported_cost: expect.any(Number) },
        metadata: { id: expect.stringMatching(/^gen-/), provider: expect.any(String) },
      });
      for (const { metadata } of response.media) {
        expect(metadata).toEqual({
          format: expect.any(String),
          width: expect.any(Number),
          height: expect.any(Number),
        });
      }
      expect(response.executionSeconds).toBeGreaterThan(0);
      expect(usage.parse(response.usage)).toEqual(response.usage);
      expect(findUnrecordable({ ...response, media: [] })).toBeUndefined();
      expect(inspect(response, { depth: 9 })).not.toContain(apiKey);
    },
  );
});

describe('a picture', () => {
  test('is what the answer holds, in its own size and not in the one asked for', async () => {
    const response = await generate();
    expect(bytesOf(response)).toEqual([pictureOf(server.requests[0]?.text ?? '', 0)]);
    expect(response.media[0]?.metadata).toEqual({ format: 'png', width: 48, height: 32 });
    expect(response).toMatchObject({
      model: pictureModel,
      usage: {
        input_tokens: 12,
        output_tokens: 4_175,
        reasoning_tokens: 15,
        images: 1,
        reported_cost: 0.0421,
      },
      metadata: { generation_id: 'gen-1767268800-Pic7uRe0aB1c', finish_reason: 'stop', provider: 'Example' },
    });
    expect(response.metadata).not.toHaveProperty('text');
  });

  test('is asked for with the prompt as it is, the modalities, the key in the header and no stream', async () => {
    await generate();
    const [sent] = server.requests;
    expect(sent?.headers.authorization).toBe(`Bearer ${openrouterKey}`);
    expect(sent?.body).toEqual({
      model: pictureModel,
      messages: [{ role: 'user', content: request().prompt }],
      modalities: ['image', 'text'],
      stream: false,
      usage: { include: true },
    });
  });

  test('may start from other pictures, which go along as data URLs', async () => {
    await generate({ images: [png, jpeg] });
    const dataUrl = (type: string, bytes: Uint8Array): object => ({
      type: 'image_url',
      image_url: { url: `data:${type};base64,${Buffer.from(bytes).toString('base64')}` },
    });
    const content = [
      { type: 'text', text: request().prompt },
      dataUrl('image/png', png),
      dataUrl('image/jpeg', jpeg),
    ];
    expect(server.requests[0]?.body).toMatchObject({ messages: [{ role: 'user', content }] });
  });

  test('may be one of several, and all of them count', async () => {
    const response = await after('two-pictures');
    expect(response.media).toHaveLength(2);
    expect(response.usage?.images).toBe(2);
  });

  test('keeps what the model said beside it', async () => {
    expect((await after('with-text')).metadata).toMatchObject({ text: 'I see a red flower.' });
  });

  test('comes through blanks that were sent while the provider worked', async () => {
    expect((await after('blanks')).media).toHaveLength(1);
  });

  test('without usage in the answer counts as one picture, and as nothing else', async () => {
    expect((await after('no-usage')).usage).toEqual({ images: 1 });
  });
});

describe('no picture', () => {
  test.each(['text-only', 'refusal'] as const)(
    '%s: BACKEND_FAILED "answered without a picture", the words are evidence',
    async (fault) => {
      const error = await failed(fault);
      expect(error.code).toBe('BACKEND_FAILED');
      expect(error.params).toEqual({ backend: 'openrouter', what: 'answered without a picture' });
      expect(error.evidence.body).toContain('a red flower');
      expect(inspect(error)).not.toContain('flower');
    },
  );

  test('nothing at all is the same with empty words', async () => {
    expect((await failed('nothing')).evidence.body).toBe('');
  });

  test('a filter that stopped the answer is PROVIDER_MODERATED', async () => {
    const error = await failed('filtered');
    expect([error.code, error.params]).toEqual([
      'PROVIDER_MODERATED',
      { backend: 'openrouter', reasons: ['content_filter'] },
    ]);
  });

  test('403 with reasons is PROVIDER_MODERATED with them as codes; the flagged words are evidence', async () => {
    const error = await failed(openaiStatus.moderated);
    expect([error.code, error.params]).toEqual([
      'PROVIDER_MODERATED',
      { backend: 'openrouter', reasons: ['violence/graphic', 'self-harm'] },
    ]);
    expect(error.evidence).toMatchObject({ status: 403, body: expect.stringContaining('flagged_input') });
  });

  test('the same under HTTP 200 is PROVIDER_MODERATED too', async () => {
    const error = await failed({ ...openaiStatus.moderated, status: 200 });
    expect(error.code).toBe('PROVIDER_MODERATED');
  });

  test.each([
    ['choice-error', 'provider_unavailable'],
    [openaiStatus.jsonError, 'provider_unavailable'],
    [{ status: 200, body: '{"error":{"message":"a red flower"}}' }, 'an error in the answer'],
    [{ status: 200, body: '<html>a red flower</html>', type: 'text/html' }, 'no JSON'],
    [{ status: 200, body: '{"choices":[],"model":"a red flower"}' }, 'another form'],
    ['no-model', 'another form'],
    ['link', 'a link'],
  ] as const)('an answer that holds something else is BACKEND_FAILED: %j', async (fault, what) => {
    const error = await failed(fault);
    expect(error.code).toBe('BACKEND_FAILED');
    expect(error.message).toContain(what);
    expect(error.message).not.toContain('flower');
    expect(error.evidence.body).not.toBe('');
    // The answer named an address; nobody asked there.
    expect(server.requests).toHaveLength(1);
  });

  test.each([
    [openaiStatus.outOfCredits, 'BACKEND_REFUSED', 'payment_required'],
    [openaiStatus.limited, 'BACKEND_BUSY', 'HTTP 429'],
    [openaiStatus.badGateway, 'BACKEND_BUSY', 'HTTP 502'],
    ['cut-off', 'BACKEND_FAILED', 'broke'],
  ] as const)('%j is %s', async (fault, code, what) => {
    const error = await failed(fault);
    expect(error.code).toBe(code);
    expect(error.message).toContain(what);
  });

  test('a wrong key is BACKEND_REFUSED, and neither key is anywhere in the error', async () => {
    const error = await failureOf(generate({}, { apiKey: 'sk-or-wrong' }));
    expect(error.params).toEqual({ backend: 'openrouter', what: 'HTTP 401 authentication' });
    expect(inspect([error, error.evidence])).not.toContain('sk-or');
  });

  test('an unknown model, a missing one, and a picture that is none are BACKEND_REFUSED', async () => {
    expect((await failureOf(generate({ model: 'no/model' }))).code).toBe('BACKEND_REFUSED');
    expect((await failureOf(generate({ model: null }))).message).toContain('no model is named');
    expect((await failureOf(generate({ images: [new Uint8Array(9)] }))).message).toContain('picture 1');
    expect(server.requests).toHaveLength(1);
  });

  test('other media are OUTPUT_UNSUPPORTED, and nothing is sent', async () => {
    await expect(generate({ mediaType: 'music' })).rejects.toMatchObject({ code: 'OUTPUT_UNSUPPORTED' });
    expect(server.requests).toEqual([]);
  });

  test('no server at the address is BACKEND_UNREACHABLE', async () => {
    const other = await startPictureServer();
    await other.close();
    expect((await failureOf(generate({}, { url: other.url }))).code).toBe('BACKEND_UNREACHABLE');
  });

  test('an abort reaches the socket and rejects with its reason', async () => {
    server.script('held');
    const caller = new AbortController();
    const call = generate({}, {}, caller.signal);
    const held = await server.held();
    caller.abort(new Error('cancelled'));
    await expect(call).rejects.toThrow('cancelled');
    expect(await held.ended).toBe('left');
  });

  test('a picture that takes too long is TIMEOUT, and its socket is closed', async () => {
    server.script('held');
    const timeouts = { ...defaultTimeouts('remote', 'image'), totalMs: 1_000 };
    const call = failureOf(generate({}, { timeouts }));
    const held = await server.held();
    expect((await call).params).toEqual({ what: 'The picture of openrouter', timeoutMs: 1_000 });
    expect(await held.ended).toBe('left');
  });
});

test('the test server wants the modalities', async () => {
  const answer = await fetch(`${server.url}/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${openrouterKey}` },
    body: JSON.stringify({ model: pictureModel, messages: [{ role: 'user', content: 'a' }] }),
  });
  expect(answer.status).toBe(400);
  expect(await answer.text()).toContain('modalities');
});

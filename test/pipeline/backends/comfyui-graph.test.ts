import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bytesOf, callsOf, request } from './comfyui-call.ts';
import type { Graph } from './comfyui-nodes.ts';
import { type ComfyuiServer, startComfyuiServer } from './comfyui-server.ts';
import { failureOf } from './text-request.ts';

let server: ComfyuiServer;
beforeEach(async () => {
  server = await startComfyuiServer();
});
afterEach(() => server.close());
const { generate, submitted } = callsOf(() => server);

describe('the job that is handed in', () => {
  test('the prompt stands in the positive text as it is, and nothing in the negative one', async () => {
    await generate();
    const graph = submitted()[0]?.prompt ?? {};
    const texts = Object.entries(graph).filter(([, node]) => node.class_type === 'CLIPTextEncode');
    expect(texts.map(([id, node]) => [id, node.inputs['text']])).toEqual([
      ['positive', request().prompt],
      ['negative', ''],
    ]);
    expect(graph['sampler']?.inputs).toMatchObject({ positive: ['positive', 0], negative: ['negative', 0] });
  });

  test('every call has a client id and a socket of its own, and leaves no socket open', async () => {
    const calls = await Promise.all([1, 2, 3].map((seed) => generate({ seed })));
    const ids = submitted().map(({ client_id }) => client_id);
    expect(new Set(ids).size).toBe(3);
    expect(new Set(calls.map(({ metadata }) => metadata?.['client_id']))).toEqual(new Set(ids));
    expect(server.sockets.opened()).toBe(3);
    await server.until(() => server.sockets.open().length === 0);
  });

  test.each([
    {
      graph: 'flux',
      asking: { mediaType: 'image', model: 'flux1-dev' },
      parameters: { width: 64, height: 64, cfg_scale: 3.5 },
      said: { cfg_scale: 1, guidance: 3.5 },
      conditioned: 'guidance',
    },
    {
      graph: 'stable_audio',
      asking: { mediaType: 'audio', model: 'stable_audio_open_1.0' },
      parameters: { duration_seconds: 4.5 },
      said: { duration_seconds: 4.5, sampler: 'dpmpp_3m_sde_gpu' },
      conditioned: 'timed',
    },
    {
      graph: 'ace_step',
      asking: { mediaType: 'music', model: 'ace_step_v1_3.5b' },
      parameters: { duration_seconds: 9 },
      said: { duration_seconds: 9, scheduler: 'simple' },
      conditioned: 'positive',
    },
  ] as const)(
    '$graph is the graph for its medium and model, and ComfyUI takes it',
    async ({ graph, asking, parameters, said, conditioned }) => {
      const byName = await generate({ ...asking, parameters: { ...parameters, graph } });
      const byDefault = await generate({ ...asking, parameters });
      expect(byDefault.metadata?.['graph_sha256']).toBe(byName.metadata?.['graph_sha256']);
      expect(byDefault.model).toBe(`${asking.model}.safetensors`);
      expect(byDefault.metadata).toMatchObject(said);
      expect(bytesOf(byDefault).toString('latin1')).toContain('a red flower');
      expect(submitted()[0]?.prompt['sampler']?.inputs['positive']).toEqual([conditioned, 0]);
    },
  );

  test('sound says its rate, its channels and its length by its own bytes', async () => {
    const audio = { mediaType: 'audio', model: 'stable_audio_open_1.0' } as const;
    const { media: flac } = await generate({ ...audio, parameters: { duration_seconds: 4.5 } });
    expect(flac[0]?.metadata).toMatchObject({
      format: 'flac',
      sample_rate: 44_100,
      channels: 2,
      duration_seconds: 4.5,
    });
    const { media: mp3 } = await generate({ ...audio, parameters: { duration_seconds: 4.5, format: 'mp3' } });
    expect(mp3[0]?.metadata).toMatchObject({ format: 'mp3', sample_rate: 44_100, channels: 2 });
  });

  test.each([
    [
      ['clip_g.safetensors', 'clip_l.safetensors', 't5xxl_fp16.safetensors'],
      undefined,
      'CheckpointLoaderSimple',
      'TripleCLIPLoader',
    ],
    [['clip_l.safetensors', 't5xxl_fp16.safetensors'], 'ae.safetensors', 'UNETLoader', 'DualCLIPLoader'],
    [['t5xxl_fp16.safetensors'], 'ae.safetensors', 'UNETLoader', 'CLIPLoader'],
  ])(
    'text encoders %j and VAE %s of their own are loaded by %s and %s',
    async (text_encoders, vae, loader, encoder) => {
      const { model } = await generate({ parameters: { ...request().parameters, text_encoders, vae } });
      expect(model).toBe('sd3.5_large.safetensors');
      const classes = Object.values(submitted()[0]?.prompt ?? {}).map(({ class_type }) => class_type);
      expect(classes).toEqual(expect.arrayContaining([loader, encoder]));
    },
  );

  test('pictures that were handed in are said to be unused', async () => {
    const { metadata } = await generate({ images: [new Uint8Array(3), new Uint8Array(3)] });
    expect(metadata?.['images_unused']).toBe(2);
  });

  test.each([
    ['an unknown graph', { parameters: { graph: 'sdxl' } }],
    ['a graph that is no name', { parameters: { graph: 7 } }],
    ['a name that every object has', { parameters: { graph: 'constructor' } }],
    ['a graph for another medium', { parameters: { graph: 'flux' }, mediaType: 'music' }],
    ['a medium without a graph', { mediaType: 'video' }],
  ] as const)('%s is OUTPUT_UNSUPPORTED, and nothing is sent', async (_, wrong) => {
    await expect(generate(wrong)).rejects.toMatchObject({ code: 'OUTPUT_UNSUPPORTED' });
    expect(server.requests).toEqual([]);
    expect(server.sockets.opened()).toBe(0);
  });

  test.each([
    ['parameter width', { parameters: { width: '64' } }],
    ['parameter batch_size', { parameters: { batch_size: 1_000 } }],
    ['parameter format', { parameters: { format: 'jpeg' } }],
    ['no model', { model: null }],
  ])('%s is BACKEND_REFUSED before anything is sent', async (what, wrong) => {
    const error = await failureOf(generate(wrong));
    expect(error.code).toBe('BACKEND_REFUSED');
    expect(error.message).toContain(what);
    expect(server.requests).toEqual([]);
  });
});

describe('the test server refuses what ComfyUI refuses', () => {
  const post = async (prompt: unknown) => {
    const answer = await fetch(`${server.url}/prompt`, { method: 'POST', body: JSON.stringify({ prompt }) });
    return { status: answer.status, text: await answer.text() };
  };
  const graph = async (): Promise<Graph> => {
    await generate();
    return submitted()[0]?.prompt ?? {};
  };
  const having = (base: Graph, id: string, inputs: object): Graph => ({
    ...base,
    [id]: { class_type: base[id]?.class_type ?? '', inputs: { ...base[id]?.inputs, ...inputs } },
  });

  test.each([
    ['missing_node_type', (g: Graph) => ({ ...g, sampler: { class_type: 'NoSuchNode', inputs: {} } })],
    ['prompt_no_outputs', (g: Graph) => ({ model: g['model'] })],
    ['no_prompt', () => null],
    [
      'required_input_missing',
      (g: Graph) => ({ ...g, latent: { class_type: 'EmptySD3LatentImage', inputs: {} } }),
    ],
    ['invalid_input_type', (g: Graph) => having(g, 'sampler', { steps: '4' })],
    ['bad_linked_input', (g: Graph) => having(g, 'decoded', { vae: 'model' })],
    ['return_type_mismatch', (g: Graph) => having(g, 'decoded', { vae: ['model', 0] })],
    ['value_bigger_than_max', (g: Graph) => having(g, 'sampler', { cfg: 101 })],
  ])('%s', async (type, spoil: (base: Graph) => unknown) => {
    const { status, text } = await post(spoil(await graph()));
    expect(status).toBe(400);
    expect(text).toContain(type);
  });

  test.each([
    [400, ''],
    [400, '?subfolder=&type=output'],
    [400, '?filename=../a.png'],
    [403, '?filename=a.png&subfolder=../..'],
    [400, '?filename=a.png&type=models'],
    [404, '?filename=a.png'],
  ])('/view answers %i to %s', async (status, query) => {
    expect((await fetch(`${server.url}/view${query}`)).status).toBe(status);
  });
});

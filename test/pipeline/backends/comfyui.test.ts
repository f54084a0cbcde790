import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { canonicalText } from '../../../src/events/canonical.ts';
import { sha256Hex } from '../../../src/events/digest.ts';
import { findUnrecordable } from '../../../src/events/recordable.ts';
import {
  backendAt,
  bytesOf,
  callsOf,
  hintsOnly,
  never,
  noPause,
  request,
  steppedWait,
  type Wait,
} from './comfyui-call.ts';
import type { Graph } from './comfyui-nodes.ts';
import { type ComfyuiServer, startComfyuiServer } from './comfyui-server.ts';
import { itemOf, planOf, portsWith, run } from '../harness.ts';

let server: ComfyuiServer;
beforeEach(async () => {
  server = await startComfyuiServer();
});
afterEach(() => server.close());
const { asked, generate, looks, submitted } = callsOf(() => server);

const real = process.env['COMFYUI_URL'];
const places = [
  { place: 'the test server', url: () => server.url, isThere: true },
  {
    place: real === undefined ? 'a real one: no COMFYUI_URL' : 'the real one at COMFYUI_URL',
    url: () => real ?? '',
    isThere: real !== undefined,
  },
];

describe.each(places)('a generation on $place', ({ url, isThere }) => {
  test.runIf(isThere)('gives a picture and says what the executed graph says of it', async () => {
    const response = await backendAt(url()).generate(request(), never);
    expect(response).toMatchObject({ backend: 'comfyui', model: 'sd3.5_large.safetensors', seed: 42 });
    expect(response.media).toHaveLength(1);
    expect(response.media[0]?.metadata).toMatchObject({ format: 'png', width: 64, height: 32 });
    expect(bytesOf(response).subarray(1, 4).toString()).toBe('PNG');
    expect(response.metadata).toMatchObject({
      width: 64,
      height: 32,
      steps: 4,
      cfg_scale: 5.5,
      sampler: 'euler',
      scheduler: 'sgm_uniform',
      time_source: 'history',
      prompt_id: expect.any(String),
      client_id: expect.any(String),
    });
    expect(response.metadata?.['graph_sha256']).toBe(sha256Hex(canonicalText(response.metadata?.['graph'])));
    expect(findUnrecordable(response.metadata)).toBeUndefined();
  });

  test.runIf(isThere)(
    'the same request again is answered out of the cache with the same picture',
    async () => {
      const [first, again] = [
        await backendAt(url()).generate(request({ seed: 7 }), never),
        await backendAt(url()).generate(request({ seed: 7 }), never),
      ];
      expect(bytesOf(again).equals(bytesOf(first))).toBe(true);
      expect(again.metadata?.['cached_nodes']).toContain('sampler');
      expect(again.metadata?.['graph_sha256']).toBe(first.metadata?.['graph_sha256']);
      expect(again.metadata?.['prompt_id']).not.toBe(first.metadata?.['prompt_id']);
    },
  );

  test.runIf(isThere)('a batch of one config gives several media', async () => {
    const parameters = { ...request().parameters, batch_size: 3 };
    const { media } = await backendAt(url()).generate(request({ parameters }), never);
    expect(media).toHaveLength(3);
    expect(new Set(media.map(({ metadata }) => metadata['filename'])).size).toBe(3);
  });

  test.runIf(isThere)('a call that is aborted rejects with the reason and leaves no job behind', async () => {
    const caller = new AbortController();
    if (url() === server.url) server.hold();
    const call = backendAt(url()).generate(request({ seed: 8 }), caller.signal);
    if (url() === server.url) await server.until(() => asked('/prompt').length === 1);
    caller.abort(new Error('cancelled'));
    await expect(call).rejects.toThrow('cancelled');
    const answer = (await (await fetch(new URL('queue', `${url()}/`))).json()) as object;
    expect(answer).toEqual({ queue_running: [], queue_pending: [] });
  });
});

describe('what ComfyUI says of a job', () => {
  test('news on the socket end the waiting, a look every second is not needed', async () => {
    const response = await generate({}, { wait: hintsOnly });
    expect(response.executionSeconds).toBe(2.5);
  });

  test('a ComfyUI outside the house is named as the host that the prompt went to', async () => {
    // The same machine under an address that no house has.
    const { port } = new URL(server.url);
    const abroad = await backendAt(`http://[::ffff:127.0.0.1]:${port}/`).generate(request(), never);
    expect(abroad.remoteHost).toBe(`[::ffff:7f00:1]:${port}`);
    expect((await generate()).remoteHost).toBeUndefined();
  });

  test('without any news, looks find the end', async () => {
    server.next({ silent: true });
    const response = await generate({}, { wait: noPause });
    expect(response.metadata?.['time_source']).toBe('history');
  });

  test('a run out of the cache, which ends without "executing", ends the waiting too', async () => {
    await generate({}, { wait: hintsOnly });
    const hold = server.hold();
    const call = generate({}, { wait: hintsOnly });
    await hold.held;
    const before = looks();
    await server.until(() => looks() > before);
    hold.release();
    expect((await call).metadata?.['cached_nodes']).toHaveLength(7);
  });

  test('a job that waits behind others in the queue is not lost', async () => {
    const hold = server.hold();
    const first = generate({ seed: 1 });
    await hold.held;
    const second = generate({ seed: 2 }, { wait: noPause });
    await server.until(() => asked('/prompt').length === 2);
    const before = looks();
    await server.until(() => looks() > before + 2);
    hold.release();
    expect([(await first).seed, (await second).seed]).toEqual([1, 2]);
  });

  test('news of success are not the truth: the history is', async () => {
    const hold = server.hold('before_history');
    const { wait, step } = steppedWait(1_000);
    let isOver = false;
    const call = generate({}, { wait }).finally(() => {
      isOver = true;
    });
    const id = await hold.held;
    // One look at the start, which the job may outrun, and one at the news.
    await server.until(() => looks() >= 1);
    expect(isOver).toBe(false);
    hold.release();
    await Promise.race([call, step()]);
    expect((await call).metadata?.['prompt_id']).toBe(id);
  });

  test('news that come in the middle of a look are not forgotten', async () => {
    // Out of the cache, so that a single message tells of the end.
    await generate();
    const hold = server.hold();
    const { wait, step } = steppedWait(1_000);
    const call = generate({}, { wait });
    await hold.held;
    await step();
    const answer = server.holdAnswer('/queue');
    await step();
    await answer.held;
    // The answer says "running"; until it is sent, the job ends and says so.
    hold.release();
    await server.until(() => server.ended().length === 2);
    await server.told();
    answer.release();
    expect((await call).media).toHaveLength(1);
  });

  test('a job that goes from the queue to the history between two questions is not lost', async () => {
    const hold = server.hold('running', { silent: true });
    const { wait, step } = steppedWait(1_000);
    const call = generate({}, { wait });
    const id = await hold.held;
    await step();
    const answer = server.holdAnswer(`/history/${id}`);
    await step();
    await answer.held;
    hold.release();
    await server.until(() => server.ended().includes(id));
    answer.release();
    expect((await call).media).toHaveLength(1);
  });

  test('previews, progress texts and news that nobody understands are passed over', async () => {
    server.next({ binaryFrames: true });
    expect((await generate({}, { wait: hintsOnly })).media).toHaveLength(1);
  });

  test('a socket that drops is opened again, under the same client id', async () => {
    const hold = server.hold();
    const call = generate({}, { wait: hintsOnly });
    await hold.held;
    const before = server.sockets.open();
    server.dropSockets();
    await server.until(() => server.sockets.opened() === 2 && server.sockets.open().length === 1);
    expect(server.sockets.open()).toEqual(before);
    hold.release();
    expect((await call).media).toHaveLength(1);
    expect(asked('/prompt')).toHaveLength(1);
  });

  test('an end that came while the socket was away is found as soon as it is back', async () => {
    const hold = server.hold();
    const [looking, reconnecting] = [steppedWait(1_000), steppedWait(250)];
    const wait: Wait = (ms, signal) => (ms === 250 ? reconnecting : looking).wait(ms, signal);
    const call = generate({}, { wait });
    await hold.held;
    await looking.paused();
    server.dropSockets();
    await server.until(() => server.sockets.open().length === 0);
    hold.release();
    await server.until(() => server.ended().length === 1);
    await reconnecting.step();
    expect((await call).media).toHaveLength(1);
  });

  test('a socket that drops again and again is given up, and looks find the end', async () => {
    const hold = server.hold();
    const { wait, step } = steppedWait(1_000);
    const call = generate({}, { wait });
    await hold.held;
    for (let count = 2; count <= 6; count += 1) {
      server.dropSockets();
      await server.until(() => server.sockets.opened() === count && server.sockets.open().length === 1);
    }
    server.dropSockets();
    await server.until(() => server.sockets.open().length === 0);
    hold.release();
    await Promise.race([call, step()]);
    expect((await call).media).toHaveLength(1);
    expect(server.sockets.opened()).toBe(6);
  });

  test('behind a proxy that knows no WebSockets, looks find the end', async () => {
    server.refuseSockets();
    const response = await generate({}, { wait: noPause });
    expect(response.metadata?.['time_source']).toBe('history');
    expect(server.sockets.opened()).toBe(0);
  });

  test('a graph of which a part cannot be run is a success, and says which part', async () => {
    server.next({ partial: true });
    const { metadata } = await generate();
    expect(metadata?.['node_errors']).toEqual({ unsaved: ['value_not_in_list'] });
  });

  test('model, seed and parameters are those that were executed, where ComfyUI replaced them', async () => {
    const sampler = (graph: Graph) => ({
      ...graph['sampler'],
      inputs: { ...graph['sampler']?.inputs, seed: 99, steps: 8 },
    });
    server.next({
      replaced: (graph) => ({ ...graph, sampler: { class_type: 'KSampler', ...sampler(graph) } }),
    });
    const { seed, metadata } = await generate();
    expect([seed, metadata?.['steps']]).toEqual([99, 8]);
    expect(metadata?.['graph_sha256']).toBe(sha256Hex(canonicalText(metadata?.['graph'])));
    expect(metadata?.['submitted_graph_sha256']).toBe(sha256Hex(canonicalText(submitted()[0]?.prompt)));
  });

  test('an old release, which tells neither times nor the graph, is timed by the news, else by the call', async () => {
    server.next({ oldRelease: true });
    const heard = await generate({ seed: 1 }, { wait: hintsOnly });
    expect(heard.metadata).toMatchObject({ time_source: 'socket', graph: submitted()[0]?.prompt });
    expect(heard.executionSeconds).toBeGreaterThan(0);
    server.next({ oldRelease: true, silent: true });
    const unheard = await generate({ seed: 2 }, { wait: noPause });
    expect(unheard.metadata).toMatchObject({ time_source: 'call' });
    expect(unheard.seed).toBe(2);
  });

  test('only what our save nodes saved is fetched: no previews, no files of other nodes', async () => {
    const file = (filename: string, type: string) => ({ filename, subfolder: '', type });
    server.next({
      outputs: {
        decoded: { images: [file('preview.png', 'temp')], gifs: [file('other.png', 'output')] },
        unknown: { videos: [file('other.mp4', 'output')], text: ['a text'], animated: [true] },
      },
    });
    const { media } = await generate();
    expect(media).toHaveLength(1);
    const viewed = server.requests.filter(({ path }) => path === '/view').map(({ query }) => query);
    expect(viewed).toEqual([{ filename: 'runledger_00001_.png', subfolder: '', type: 'output' }]);
  });

  test('temporary files of a save node are left where they are, files of any list are fetched', async () => {
    const first = await generate();
    const { filename } = first.media[0]?.metadata ?? {};
    const lists = {
      gifs: [{ filename, subfolder: '', type: 'output' }],
      images: [{ filename, subfolder: '', type: 'temp' }],
      text: ['a text'],
    };
    server.next({ withoutFiles: true, outputs: { saved: lists } });
    expect((await generate({ seed: 5 })).media).toHaveLength(1);
  });
});

test('a whole run ends in an item whose facts are those of the graph and the file', async () => {
  const plan = planOf('dada', 'Eine Blume auf der Wiese');
  const ran = await run(plan, portsWith({ mediaBackendOf: () => backendAt(server.url) }));
  const item = itemOf(ran, 'output_image');
  expect(item).toMatchObject({
    model_used: 'sd3.5_large.safetensors',
    backend_used: 'comfyui',
    execution_time: 2.5,
  });
  const { core } = ran.events.find(({ core }) => core.type === 'output_image') ?? {};
  expect(core?.facts).toMatchObject({
    width: 1024,
    height: 1024,
    steps: 25,
    cfg_scale: 5.5,
    sampler: 'euler',
    seed: plan.seed,
    format: 'png',
    graph_sha256: sha256Hex(canonicalText(submitted()[0]?.prompt)),
  });
  // The graph holds the prompt: it stands in the payload, where it can be erased.
  expect(JSON.stringify(core)).not.toContain('CLIPTextEncode');
  expect(item.metadata['graph']).toEqual(submitted()[0]?.prompt);
});

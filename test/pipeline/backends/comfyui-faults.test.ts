import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { defaultTimeouts } from '../../../src/pipeline/backends/timeouts.ts';
import { callsOf, noPause, steppedWait } from './comfyui-call.ts';
import { type ComfyuiServer, startComfyuiServer } from './comfyui-server.ts';
import { failureOf } from './text-request.ts';

let server: ComfyuiServer;
beforeEach(async () => {
  server = await startComfyuiServer();
});
afterEach(() => server.close());
const { asked, generate, looks } = callsOf(() => server);

describe('a job that fails', () => {
  test.each([
    ['value_not_in_list', { model: 'no_such_model' }],
    ['value_not_in_list', { parameters: { sampler: 'no_such_sampler' } }],
    ['Not a multiple of 8', { parameters: { width: 100 } }],
    ['value_smaller_than_min', { seed: -1 }],
  ])(
    'a graph that ComfyUI does not take is BACKEND_REFUSED with its body as evidence: %s',
    async (why, wrong) => {
      const error = await failureOf(generate(wrong));
      expect(error.code).toBe('BACKEND_REFUSED');
      expect(error.params).toEqual({ backend: 'comfyui', what: 'HTTP 400 prompt_outputs_failed_validation' });
      expect(error.evidence.status).toBe(400);
      expect(error.evidence.body).toContain(why);
      await server.until(() => server.sockets.open().length === 0);
    },
  );

  test('an exception in mid-run is BACKEND_FAILED with its class; its words are evidence only', async () => {
    const text = 'Allocation on device: a red flower did not fit';
    server.next({ fails: { exception_type: 'torch.OutOfMemoryError', exception_message: text } });
    const error = await failureOf(generate());
    expect(error.params).toEqual({ backend: 'comfyui', what: 'torch.OutOfMemoryError' });
    expect(error.code).toBe('BACKEND_FAILED');
    expect(error.evidence.body).toBe(`KSampler: ${text}`);
    expect(JSON.stringify(error) + error.message).not.toContain('flower');
  });

  test('an exception whose class is a sentence is not quoted, and its words are cut', async () => {
    const exception_message = 'x'.repeat(5_000);
    server.next({ fails: { exception_type: 'about a red flower', exception_message } });
    const error = await failureOf(generate());
    expect(error.message).not.toContain('flower');
    expect(error.evidence.body).toHaveLength(2_000);
  });

  test('a job that somebody else stops is BACKEND_FAILED "interrupted"', async () => {
    server.next({ interrupted: true });
    const error = await failureOf(generate());
    expect([error.code, error.params]).toEqual([
      'BACKEND_FAILED',
      { backend: 'comfyui', what: 'interrupted' },
    ]);
  });

  test('a job that ComfyUI forgot in a restart is BACKEND_FAILED "lost"', async () => {
    const hold = server.hold();
    const { wait, step } = steppedWait(1_000);
    const call = failureOf(generate({}, { wait }));
    await hold.held;
    await server.stop();
    await server.start();
    // A socket that is open again makes it look at once.
    await Promise.race([call, step()]);
    const error = await call;
    expect(error.code).toBe('BACKEND_FAILED');
    expect(error.message).toContain('lost');
    hold.release();
  });

  test('a ComfyUI that is away for a while does not end the job', async () => {
    const hold = server.hold();
    const call = generate({}, { wait: noPause });
    await hold.held;
    server.answer('/queue', 503, 'starting');
    server.answer('/queue', 502, '<html>Bad gateway</html>', 'text/html');
    const before = looks();
    await server.until(() => looks() > before + 2);
    hold.release();
    expect((await call).media).toHaveLength(1);
  });

  test('a ComfyUI that stays away is BACKEND_UNREACHABLE after ten looks', async () => {
    const hold = server.hold();
    const call = failureOf(generate({}, { wait: noPause }));
    await hold.held;
    await server.stop();
    expect((await call).code).toBe('BACKEND_UNREACHABLE');
    hold.release();
  });

  test('a file that the history lists and /view does not have is BACKEND_FAILED', async () => {
    server.next({ filesGone: true });
    const error = await failureOf(generate());
    expect(error.code).toBe('BACKEND_FAILED');
    expect(error.message).toContain('HTTP 404');
    expect(error.evidence.status).toBe(404);
  });

  test('a job that saves nothing is BACKEND_FAILED', async () => {
    server.next({ withoutFiles: true });
    const error = await failureOf(generate());
    expect(error.params).toMatchObject({ what: 'the job left no file' });
  });

  test('no ComfyUI at the address is BACKEND_UNREACHABLE', async () => {
    await server.stop();
    expect((await failureOf(generate({}, { wait: noPause }))).code).toBe('BACKEND_UNREACHABLE');
  });

  test.each([
    ['no JSON', '<html>a page</html>', 'no JSON'],
    ['no id', '{"number":1}', 'without a prompt_id'],
  ])('an answer to /prompt with %s is BACKEND_FAILED', async (_, body, what) => {
    server.answer('/prompt', 200, body);
    const error = await failureOf(generate());
    expect(error.code).toBe('BACKEND_FAILED');
    expect(error.message).toContain(what);
  });

  test('a busy proxy before ComfyUI is BACKEND_BUSY', async () => {
    server.answer('/prompt', 503, '<html>busy</html>', 'text/html');
    expect((await failureOf(generate())).code).toBe('BACKEND_BUSY');
  });
});

describe('a call that is aborted', () => {
  test('interrupts its running job by its id, closes its socket and rejects with the reason', async () => {
    const hold = server.hold();
    const caller = new AbortController();
    const call = generate({}, {}, caller.signal);
    const id = await hold.held;
    caller.abort(new Error('cancelled by a person'));
    await expect(call).rejects.toThrow('cancelled by a person');
    expect(asked('/interrupt').map(({ body }) => body)).toEqual([{ prompt_id: id }]);
    await server.until(() => server.sockets.open().length === 0);
  });

  test('takes a job that has not begun out of the queue, and lets the one that runs alone', async () => {
    const hold = server.hold();
    const other = generate({ seed: 1 });
    await hold.held;
    const caller = new AbortController();
    const call = generate({ seed: 2 }, {}, caller.signal);
    await server.until(() => asked('/prompt').length === 2);
    caller.abort(new Error('cancelled'));
    await expect(call).rejects.toThrow('cancelled');
    expect(asked('/interrupt')).toEqual([]);
    expect(asked('/queue')).toHaveLength(1);
    hold.release();
    expect((await other).seed).toBe(1);
    expect(asked('/prompt')).toHaveLength(2);
  });

  test('takes a job back whose id it learns only after the abort', async () => {
    const hold = server.hold();
    const answer = server.holdAnswer('/prompt');
    const caller = new AbortController();
    const call = generate({}, {}, caller.signal);
    const id = await hold.held;
    await answer.held;
    caller.abort(new Error('cancelled'));
    answer.release();
    await expect(call).rejects.toThrow('cancelled');
    expect(asked('/interrupt').map(({ body }) => body)).toEqual([{ prompt_id: id }]);
  });

  test('rejects with the reason also where its job is refused in that moment', async () => {
    server.answer('/prompt', 400, '{"error":{"type":"no_prompt"}}');
    const answer = server.holdAnswer('/prompt');
    const caller = new AbortController();
    const call = generate({}, {}, caller.signal);
    await answer.held;
    caller.abort(new Error('cancelled'));
    answer.release();
    await expect(call).rejects.toThrow('cancelled');
  });

  test('that never began sends nothing', async () => {
    await expect(generate({}, {}, AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
    expect(server.requests).toEqual([]);
  });

  test('rejects with the reason also where ComfyUI does not answer any more', async () => {
    const hold = server.hold();
    const caller = new AbortController();
    const { wait } = steppedWait(1_000);
    const call = generate({}, { wait }, caller.signal);
    await hold.held;
    await server.stop();
    caller.abort(new Error('cancelled'));
    await expect(call).rejects.toThrow('cancelled');
    hold.release();
  });

  test('a generation beyond its time is TIMEOUT, and its job is taken back', async () => {
    const hold = server.hold();
    const timeouts = { ...defaultTimeouts('local', 'image'), totalMs: 1_000 };
    const error = await failureOf(generate({}, { timeouts }));
    expect([error.code, error.params]).toEqual([
      'TIMEOUT',
      { what: 'The generation on comfyui', timeoutMs: 1_000 },
    ]);
    expect(asked('/interrupt').map(({ body }) => body)).toEqual([{ prompt_id: await hold.held }]);
  });
});

import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ExecutionRecord } from '../../src/run/record.ts';
import { unzipped } from '../exporters/unzipped.ts';
import { type LedgerService, startLedgerService } from './ledger-service.ts';

const onePixel = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
);
let service: LedgerService;
let id: string;

beforeAll(async () => {
  service = await startLedgerService();
  const reply = await service.post('/api/schema/pipeline/execute', {
    schema: 'image_comparison',
    input_text: 'Eine Blume',
  });
  id = String(reply.json['execution_id']);
});
afterAll(() => service.close());

const fetched = async (path: string, init: RequestInit = {}) => {
  const answer = await fetch(`${service.url}${path}`, init);
  return { answer, bytes: Buffer.from(await answer.arrayBuffer()) };
};
const draftsLeft = async (): Promise<readonly string[]> => {
  const drafts = join(service.directory, 'exports', 'drafts');
  const nodes = await readdir(drafts);
  expect(nodes).toHaveLength(1);
  return readdir(join(drafts, nodes[0] ?? ''));
};
const record = async (query = ''): Promise<ExecutionRecord & { view?: string }> =>
  (await service.get(`/api/runs/${id}${query}`)).json as unknown as ExecutionRecord;

describe('a file', () => {
  test.each(['json', 'xml', 'pdf', 'docx', 'zip'])(
    '%s comes whole, with its length, its digest and its name',
    async (format) => {
      const { answer, bytes } = await fetched(`/api/runs/${id}/export/${format}`);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-length')).toBe(String(bytes.byteLength));
      const digest = createHash('sha256').update(bytes).digest('base64');
      expect(answer.headers.get('content-digest')).toBe(`sha-256=:${digest}:`);
      expect(answer.headers.get('content-disposition')).toBe(`attachment; filename="${id}.${format}"`);
      expect(answer.headers.get('cache-control')).toBe('private, no-cache');
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    },
  );

  test.each(['json', 'xml', 'pdf', 'docx', 'zip'])(
    '%s has the same bytes when it is asked for again',
    async (format) => {
      const first = await fetched(`/api/runs/${id}/export/${format}`);
      const second = await fetched(`/api/runs/${id}/export/${format}`);
      expect(first.bytes.equals(second.bytes)).toBe(true);
    },
  );

  test('the zip, made by a process of its own, holds the pictures', async () => {
    const files = unzipped((await fetched(`/api/runs/${id}/export/zip`)).bytes);
    const { items } = await record();
    const pictures = items.filter(({ item_type }) => item_type === 'output_image');
    expect(pictures).toHaveLength(2);
    for (const { file_path } of pictures) {
      const sha256 = String(file_path).replace('/api/media/', '');
      const bytes = files.get(`media/${sha256}`) ?? new Uint8Array();
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256);
    }
  });

  test('nothing of it is left on the disk of the service', async () => {
    await fetched(`/api/runs/${id}/export/zip`);
    await expect.poll(draftsLeft).toEqual([]);
  });

  test('a damaged picture spoils no file: the report tells of it, the zip lists it', async () => {
    const seeded = { schema: 'dada', input_text: 'Ein Haus am See', seed: 99 };
    const reply = await service.post('/api/schema/pipeline/execute', seeded);
    const { output } = reply.json['media_output'] as { output: string };
    const sha256 = output.replace('/api/media/', '');
    await writeFile(join(service.directory, 'media', sha256.slice(0, 2), sha256), 'no picture');
    const damaged = String(reply.json['execution_id']);
    for (const format of ['json', 'xml', 'pdf', 'docx', 'zip'])
      expect([format, (await fetched(`/api/runs/${damaged}/export/${format}`)).answer.status]).toEqual([
        format,
        200,
      ]);
    const files = unzipped((await fetched(`/api/runs/${damaged}/export/zip`)).bytes);
    expect(JSON.parse(Buffer.from(files.get('manifest.json') ?? []).toString())).toMatchObject({
      missing: [{ name: `media/${sha256}`, reason: 'damaged' }],
    });
  });

  test('what was withheld later is withheld from a run as it once stood, too', async () => {
    const upload = new FormData();
    upload.append('file', new Blob([onePixel]));
    const stored = await fetch(`${service.url}/api/media`, { method: 'POST', body: upload });
    const { sha256 } = (await stored.json()) as { sha256: string };
    const begun = String((await service.post('/api/runs', { config_name: 'open' })).json['execution_id']);
    const made = { stage: 4, loop_iteration: 1, file_path: `/api/media/${sha256}` };
    await service.post(`/api/runs/${begun}/items`, { item_type: 'output_image', ...made });
    const wanted = { executionId: begun, format: 'zip', logs: true, language: 'en', untilSeq: 2 } as const;
    const members = async (): Promise<readonly string[]> => {
      const file = await service.ledger.service.exportRun(wanted, new AbortController().signal);
      const names = [...unzipped(await readFile(file.path)).keys()];
      await file.remove();
      return names.filter((name) => name.startsWith('media/'));
    };
    expect(await members()).toEqual([`media/${sha256}`]);
    const blocked = { item_type: 'stage4_blocked', stage: 4, loop_iteration: 1 };
    await service.post(`/api/runs/${begun}/items`, blocked);
    expect(await members()).toEqual([]);
  });

  test('a client that goes away leaves nothing behind', async () => {
    const leaving = new AbortController();
    const asked = fetch(`${service.url}/api/runs/${id}/export/zip`, { signal: leaving.signal });
    leaving.abort();
    await expect(asked).rejects.toThrow();
    await expect.poll(draftsLeft).toEqual([]);
  });
});

describe('a view', () => {
  test('holds only its items, and is named in the record', async () => {
    const student = await record('?view=student');
    expect(student.view).toBe('student');
    expect(student.items.map(({ item_type }) => item_type)).toEqual(['output_image', 'output_image']);
    const teacher = (await record('?view=teacher')).items.map(({ item_type }) => item_type);
    expect(teacher).toEqual([
      'user_input_text',
      'translation_result',
      'interception_final',
      'output_image',
      'output_image',
    ]);
    const auditor = (await record('?view=auditor')).items.map(({ item_type }) => item_type);
    expect(auditor).toEqual([
      'pipeline_start',
      'stage1_safety_check',
      'stage3_safety_check',
      'stage3_safety_check',
    ]);
  });

  test('of researchers is everything; log entries only where they are asked for', async () => {
    const begun = await service.post('/api/runs', { config_name: 'logged' });
    const logged = String(begun.json['execution_id']);
    await service.post(`/api/runs/${logged}/items`, {
      items: [
        { item_type: 'user_input_text', content: 'a', stage: 1 },
        { item_type: 'log_entry', metadata: { level: 'INFO', message: 'hello' } },
      ],
    });
    const types = async (query: string) =>
      ((await service.get(`/api/runs/${logged}${query}`)).json['items'] as { item_type: string }[]).map(
        ({ item_type }) => item_type,
      );
    expect(await types('')).toContain('log_entry');
    expect(await types('?view=researcher')).not.toContain('log_entry');
    expect(await types('?view=researcher&include=logs')).toContain('log_entry');
    expect(await types('?view=student&include=logs')).toEqual(['log_entry']);
  });

  test('of students has no final text, that of the advanced has', async () => {
    expect((await record('?view=student')).result?.text).toBeNull();
    expect((await record('?view=advanced')).result?.text).toMatch(/flower/i);
  });

  test('that an imported record names is not ours: it stands under source, and nothing is left out', async () => {
    const imported = { ...(await record()), execution_id: 'old-view', view: 'student' };
    expect((await service.post('/api/runs/import', imported)).json).toMatchObject({ imported: 1 });
    const read = (await service.get('/api/runs/old-view')).json;
    expect(read).toMatchObject({ source: { view: 'student' } });
    expect(read).not.toHaveProperty('view');
    const { bytes } = await fetched('/api/runs/old-view/export/json');
    expect(JSON.parse(bytes.toString())).toEqual(read);
  });

  test('of the past has the items of then', async () => {
    expect((await record('?view=teacher&at_seq=2')).items).toHaveLength(1);
  });

  test('is the same in the json export', async () => {
    const { bytes } = await fetched(`/api/runs/${id}/export/json?view=student`);
    expect(JSON.parse(bytes.toString())).toEqual(await record('?view=student'));
  });
});

describe('what is wrong is said', () => {
  test.each([
    ['an unknown view', '/json?view=parent'],
    ['an unknown language', '/zip?lang=fr'],
    ['something else to include', '/json?include=everything'],
    ['a view of a format that has none', '/zip?view=student'],
    ['an unknown parameter', '/json?colour=red'],
  ])('%s', async (_, path) => {
    const { answer, bytes } = await fetched(`/api/runs/${id}/export${path}`);
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(bytes.toString()).toMatch(/[a-z]/);
  });

  test('a format that takes no view names those that do', async () => {
    const { bytes } = await fetched(`/api/runs/${id}/export/zip?view=student`);
    expect(bytes.toString()).toContain(
      'zip takes no view: leave it out, or export json or xml or pdf or docx',
    );
  });

  test('an unknown run is 404', async () => {
    const { answer } = await fetched('/api/runs/exec_20200101_000000_00000000/export/zip');
    expect(answer.status).toBe(404);
  });
});

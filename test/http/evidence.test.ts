import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { containedBundle } from '../../src/ledger/contained-bundle.ts';
import { outcomeStatus } from '../../src/ledger/verdict.ts';
import { verifyBundle } from '../../src/ledger/verify.ts';
import { publishedKeys } from '../../src/queries/ledger.ts';
import { lacking, secondStatuses } from '../ledger/second-verifier.ts';
import { type LedgerService, startLedgerService } from './ledger-service.ts';

let service: LedgerService;
let id: string;

beforeAll(async () => {
  service = await startLedgerService();
  const run = await service.post('/api/schema/pipeline/execute', {
    schema: 'image_comparison',
    input_text: 'Eine Blume auf der Wiese',
    seed: 1,
  });
  id = String(run.json['execution_id']);
});
afterAll(() => service.close());

const exported = async (format: string, query = ''): Promise<Buffer> => {
  const answer = await fetch(`${service.url}/api/runs/${id}/export/${format}${query}`);
  expect(answer.status).toBe(200);
  return Buffer.from(await answer.arrayBuffer());
};
const known = () => ({ keys: publishedKeys(service.ledger.projector), media: new Map<string, string>() });

describe('the evidence of a run of our own pipeline', () => {
  test('is verified by both verifiers against the key that the ledger published', async () => {
    const bytes = await exported('audit');
    const { outcome, faults, seen } = verifyBundle(bytes, known());
    expect([outcome, faults]).toEqual(['verified', []]);
    expect(seen?.missingDocuments).toEqual([]);
    expect(seen?.documents.length).toBeGreaterThanOrEqual(2);
    // The built-in backend makes the same picture twice.
    expect(seen?.media.flatMap(({ items }) => items)).toHaveLength(2);
    if (lacking.length === 0)
      expect(secondStatuses([{ bytes, known: known() }])).toEqual([outcomeStatus.verified]);
  });

  test('has the same bytes later, in each format, and after a restart', async () => {
    const bytes = await exported('audit');
    await service.post('/api/schema/pipeline/execute', { schema: 'dada', input_text: 'Ein Haus', seed: 2 });
    for (const format of ['audit', 'xml', 'pdf', 'docx', 'zip']) {
      const { bundles } = containedBundle(await exported(format));
      expect(
        bundles.map((found) => found.equals(bytes)),
        format,
      ).toEqual([true]);
    }
    await service.restart();
    expect((await exported('audit')).equals(bytes)).toBe(true);
  });

  test('comes in a ZIP with media that fit it', async () => {
    const { bundles, media } = containedBundle(await exported('zip'));
    const { outcome, seen } = verifyBundle(bundles[0] ?? Buffer.alloc(0), { ...known(), media });
    expect(outcome).toBe('verified');
    expect(seen?.media.every(({ isChecked }) => isChecked)).toBe(true);
  });

  test('in a view holds the texts of that view only', async () => {
    const bytes = await exported('audit', '?view=student');
    expect(bytes.toString()).not.toContain('Eine Blume');
    expect(verifyBundle(bytes, known()).outcome).toBe('incomplete');
    expect(containedBundle(await exported('pdf', '?view=student')).bundles[0]?.equals(bytes)).toBe(true);
  });

  test('of a run that is open says so', async () => {
    const begun = await service.post('/api/runs', { config_name: 'foreign', user_id: 'ada' });
    const open = String(begun.json['execution_id']);
    const answer = await fetch(`${service.url}/api/runs/${open}/export/audit`);
    const bytes = Buffer.from(await answer.arrayBuffer());
    expect(answer.headers.get('content-disposition')).toContain(`${open}.audit.json`);
    expect(verifyBundle(bytes, known()).outcome).toBe('open');
  });

  test('takes a view and log entries, and refuses a language', async () => {
    expect((await service.get(`/api/runs/${id}/export/audit?lang=de`)).status).toBe(400);
  });
});

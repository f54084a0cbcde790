import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { expect } from 'vitest';
import { moment } from '../moment.ts';
import { readZip } from '../read-zip.ts';

type ManifestRun = {
  readonly execution_id: string;
  readonly status: string;
  readonly version: number;
  readonly file?: string;
  readonly bytes?: number;
  readonly sha256?: string;
  readonly error?: string;
};
type Manifest = {
  readonly total: number;
  readonly exported: number;
  readonly errors: number;
  readonly by_status: Readonly<Record<string, number>>;
  readonly runs: readonly ManifestRun[];
  readonly [member: string]: unknown;
};

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const parsed = (bytes: Buffer | undefined): unknown => JSON.parse(String(bytes));

/** What a result holds, each file held against what the manifest says of it. */
export async function resultIn(folder: string) {
  const files = await readZip(join(folder, 'result.zip'));
  const manifest = parsed(files.get('manifest.json')) as Manifest;
  const errors = parsed(files.get('errors.json')) as {
    execution_id: string;
    error: string;
    detail: string;
  }[];
  const named = manifest.runs.flatMap(({ file }) => file ?? []);
  expect([...files.keys()]).toEqual(['manifest.json', 'errors.json', ...named]);
  for (const run of manifest.runs) {
    if (run.file === undefined) continue;
    const bytes = files.get(run.file) ?? Buffer.alloc(0);
    expect({ bytes: bytes.byteLength, sha256: sha256(bytes) }).toEqual({
      bytes: run.bytes,
      sha256: run.sha256,
    });
    const record = parsed(bytes);
    expect(record).toMatchObject({
      execution_id: run.execution_id,
      status: run.status,
      version: run.version,
    });
  }
  return { files, manifest, errors, ids: manifest.runs.map(({ execution_id }) => execution_id) };
}

/** A rendering that waits at its n-th run, until it is let go or stopped. */
export function holdAt(n: number) {
  const [reached, go] = [moment(), moment()];
  let calls = 0;
  const before = async (_: string, signal: AbortSignal): Promise<void> => {
    calls += 1;
    if (calls !== n) return;
    reached.arrive();
    await Promise.race([
      go.come,
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      }),
    ]);
  };
  return { before, reached: reached.come, go: go.arrive };
}

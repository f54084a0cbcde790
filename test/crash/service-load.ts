import { randomFrom } from './random.ts';

/** One request that was sent: what it was about, and what was acknowledged of it. */
export type Sent = {
  readonly executionId: string;
  /** Client names of its items; empty for the request that begins a run. */
  readonly items: readonly string[];
  /** Sequence numbers, once they were acknowledged. */
  acknowledged: readonly number[] | null;
};

/** The name that stands in each item, so that it is found again. */
export const nameKey = 'crash_name';

/**
 * Writes to a service from `clients` sides at once until it stops answering: each begins runs and adds batches of one to
 * five items, and now and then runs a prompt. Everything that was sent is in the result.
 */
export async function loadService(url: string, seed: number, clients: number): Promise<Sent[]> {
  const sent: Sent[] = [];
  await Promise.all(Array.from({ length: clients }, (_, index) => client(url, seed * 1_000 + index, sent)));
  return sent;
}

async function client(url: string, seed: number, sent: Sent[]): Promise<void> {
  const random = randomFrom(seed);
  for (let run = 0; ; run += 1) {
    const executionId = `crash-${seed}-${run}`;
    const began: Sent = { executionId, items: [], acknowledged: null };
    sent.push(began);
    if ((await post(url, '/api/runs', { execution_id: executionId, config_name: 'dada' })) === null) return;
    began.acknowledged = [1];
    for (let batch = 0; batch < 8; batch += 1) {
      const items = Array.from(
        { length: 1 + Math.floor(random() * 5) },
        (_, at) => `${seed}-${run}-${batch}-${at}`,
      );
      const entry: Sent = { executionId, items, acknowledged: null };
      sent.push(entry);
      const body = {
        items: items.map((name) => ({
          item_type: 'crash_step',
          stage: 2,
          content: name,
          metadata: { [nameKey]: name },
        })),
      };
      const answer = await post(url, `/api/runs/${executionId}/items`, body);
      if (answer === null) return;
      entry.acknowledged = answer['sequence_numbers'] as number[];
    }
    if (random() < 0.3) {
      const prompt = { schema: 'dada', input_text: `tablet ${seed} ${run}`, seed: 1 };
      if ((await post(url, '/api/schema/pipeline/execute', prompt)) === null) return;
    }
  }
}

/** The answer's members; null once the service is gone or going. */
async function post(url: string, path: string, body: object): Promise<Record<string, unknown> | null> {
  let answer: Response;
  let text: string;
  try {
    answer = await fetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    text = await answer.text();
  } catch {
    // The connection broke: that is what the harness does to it.
    return null;
  }
  if (answer.status >= 500) return null;
  if (answer.status >= 400) throw new Error(`${path} was refused: ${text}`);
  return JSON.parse(text) as Record<string, unknown>;
}

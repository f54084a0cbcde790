import { randomFrom } from './random.ts';

/** One request that was sent: what it was about, and what was acknowledged of it. */
export type Sent = {
  readonly executionId: string;
  /** Client names of its items; empty for a request that begins a run or executes one. */
  readonly items: readonly string[];
  /** Sequence numbers, once they were acknowledged. */
  readonly acknowledged: readonly number[] | null;
  /** Acknowledged as done to its end. */
  readonly finished: boolean;
};

export type Load = {
  /** Resolves once the service gave its first answer. */
  readonly begun: Promise<void>;
  /** Everything that was sent, once all clients have seen the service go. */
  readonly sent: Promise<readonly Sent[]>;
};

/** The name that stands in each item, so that it is found again. */
export const nameKey = 'crash_name';

const batchesOfRun = 8;
const promptShare = 0.3;

/**
 * Writes to a service from `clients` sides at once until it stops answering: each begins runs and adds batches of one to
 * five items, and now and then runs a prompt. Only 503 and a broken connection count as its going; any other refusal is
 * a fault.
 */
export function loadService(url: string, seed: number, clients: number): Load {
  const sent: Sent[] = [];
  let first = (): void => undefined;
  const begun = new Promise<void>((resolve) => (first = resolve));
  const all = Array.from({ length: clients }, (_, index) => client(url, seed * 1_000 + index, sent, first));
  return { begun, sent: Promise.all(all).then(() => sent) };
}

async function client(url: string, seed: number, sent: Sent[], onAnswer: () => void): Promise<void> {
  const random = randomFrom(seed);
  /** Sends one request; what came of it stands in `sent`, also where nothing came. */
  const send = async (path: string, body: object, entry: Pick<Sent, 'executionId' | 'items'>) => {
    const answer = await post(url, path, body);
    onAnswer();
    const acknowledged = answer === null ? null : numbersOf(answer);
    sent.push({ ...entry, acknowledged, finished: false });
    return answer !== null;
  };
  for (let run = 0; ; run += 1) {
    const executionId = `crash-${seed}-${run}`;
    const start = { execution_id: executionId, config_name: 'dada' };
    if (!(await send('/api/runs', start, { executionId, items: [] }))) return;
    for (let batch = 0; batch < batchesOfRun; batch += 1) {
      const names = Array.from(
        { length: 1 + Math.floor(random() * 5) },
        (_, at) => `${seed}-${run}-${batch}-${at}`,
      );
      const body = { items: names.map(itemOf) };
      if (!(await send(`/api/runs/${executionId}/items`, body, { executionId, items: names }))) return;
    }
    if (random() < promptShare) {
      const answer = await post(url, '/api/schema/pipeline/execute', {
        schema: 'dada',
        input_text: `tablet ${seed} ${run}`,
        seed: 1,
      });
      if (answer === null) return;
      const id = String(answer['execution_id']);
      sent.push({ executionId: id, items: [], acknowledged: [1], finished: true });
    }
  }
}

const itemOf = (name: string): object => ({
  item_type: 'crash_step',
  stage: 2,
  content: name,
  metadata: { [nameKey]: name },
});

function numbersOf(answer: Readonly<Record<string, unknown>>): readonly number[] {
  const numbers = answer['sequence_numbers'];
  return Array.isArray(numbers) ? (numbers as number[]) : [1];
}

/** The answer's members; null once the service is gone or going. */
async function post(url: string, path: string, body: object): Promise<Record<string, unknown> | null> {
  let status: number;
  let text: string;
  try {
    const answer = await fetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    ({ status } = answer);
    text = await answer.text();
  } catch {
    // The connection broke: that is what the harness does to it.
    return null;
  }
  if (status === 503) return null;
  if (status >= 400) throw new Error(`${path} was answered ${status}: ${text}`);
  return JSON.parse(text) as Record<string, unknown>;
}

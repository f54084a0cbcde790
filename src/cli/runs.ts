import { namedCharacter, visibleText } from '../exporters/visible-text.ts';
import type { ExecutionRecord, RunSummary } from '../run/record.ts';
import type { Client } from './client.ts';
import { exitCodes } from './exit-codes.ts';
import { jsonOf, print, RefusedByService, table } from './output.ts';

type RunOptions = {
  readonly json?: boolean;
  readonly level?: string;
  readonly mode?: string;
  readonly seed?: string;
  readonly user?: string;
  readonly session?: string;
};

/** `runledger run WORKFLOW TEXT`: executes, then tells what became of it. */
export async function runPrompt(
  client: Client,
  workflow: string,
  text: string,
  options: RunOptions,
): Promise<number> {
  const body = {
    schema: workflow,
    input_text: text,
    ...(options.level === undefined ? {} : { safety_level: options.level }),
    ...(options.mode === undefined ? {} : { execution_mode: options.mode }),
    ...(options.seed === undefined ? {} : { seed: Number(options.seed) }),
    ...(options.user === undefined ? {} : { user_id: options.user }),
    ...(options.session === undefined ? {} : { session_id: options.session }),
  };
  const answer = await client.request('POST', '/api/schema/pipeline/execute', JSON.stringify(body));
  const outcome = parsed(answer.text);
  if (typeof outcome['execution_id'] !== 'string') throw refusalOf(answer.status, outcome);
  if (options.json) {
    print(answer.text);
  } else {
    const record = jsonOf(
      await client.request('GET', `/api/runs/${outcome['execution_id']}`),
    ) as ExecutionRecord;
    print(describe(record));
  }
  return outcome['status'] === 'success' ? exitCodes.done : exitCodes.partly;
}

/** `runledger list`: one line a run, newest first. */
export async function listRuns(
  client: Client,
  filters: Readonly<Record<string, string>>,
  json: boolean,
): Promise<number> {
  const query = new URLSearchParams(filters).toString();
  const answer = await client.request('GET', `/api/runs${query === '' ? '' : `?${query}`}`);
  const list = jsonOf(answer) as { executions: RunSummary[]; total: number; offset: number };
  if (json) {
    print(answer.text);
    return exitCodes.done;
  }
  const rows = list.executions.map((run) => [
    run.execution_id,
    run.status,
    run.config_name ?? '–',
    run.timestamp,
    `${run.items_count} items`,
    `${run.outputs_generated} outputs`,
  ]);
  if (rows.length > 0) print(table(rows));
  print(`${list.executions.length} of ${list.total} runs, from ${list.offset}`);
  return exitCodes.done;
}

/** `runledger show ID`: the whole journey. */
export async function showRun(client: Client, id: string, query: string, json: boolean): Promise<number> {
  const answer = await client.request('GET', `/api/runs/${encodeURIComponent(id)}${query}`);
  const record = jsonOf(answer) as ExecutionRecord;
  print(json ? answer.text : describe(record));
  return exitCodes.done;
}

function describe(record: ExecutionRecord): string {
  const head = [
    `${record.execution_id}  ${record.status}  ${record.config_name ?? '–'}  ${record.safety_level ?? '–'}  ${record.timestamp}`,
    `outputs: ${record.outputs_generated} generated, ${record.outputs_blocked} blocked, ${record.outputs_failed} failed`,
    '',
  ];
  const items = record.items.map((item) => [
    String(item.sequence_number),
    item.item_type,
    item.loop_iteration === null ? '' : `#${item.loop_iteration}`,
    item.model_used ?? '',
    oneLine(item.content ?? item.file_path ?? wordOf(item.metadata)),
  ]);
  const findings = record.findings.map(
    ({ rule, sequence_number, detail }) => `finding ${rule} (item ${sequence_number ?? '–'}): ${detail}`,
  );
  return [...head, table(items), ...(findings.length > 0 ? ['', ...findings] : [])].join('\n');
}

/** What an item without a text is about, in a word: its verdict, its step, its worker. */
function wordOf(metadata: Readonly<Record<string, unknown>>): string {
  const { verdict, step_id: step, worker } = metadata;
  return [verdict, step, worker].find((word) => typeof word === 'string') ?? '';
}

/** Texts are data: no control or bidi character of a prompt reaches the terminal as such. */
const oneLine = (text: string): string =>
  visibleText(text).replaceAll(/[\n\t]/g, (space) => namedCharacter(space.charCodeAt(0)));

function parsed(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    // Something that is no ledger answered; the caller complains about the missing id.
    return {};
  }
}

function refusalOf(status: number, outcome: Readonly<Record<string, unknown>>): RefusedByService {
  const detail = outcome['detail'] ?? outcome['error'];
  return new RefusedByService(
    typeof detail === 'string' ? detail : `HTTP ${status}, and no answer of a ledger`,
  );
}

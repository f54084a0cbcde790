import type { ExecutionItem } from '../../src/events/item.ts';
import type { ExecutionRecord } from '../../src/run/record.ts';

/** One item of a run. */
export const item = (sequence_number: number, item_type: string, more: object = {}): ExecutionItem => ({
  sequence_number,
  timestamp: '2026-03-01T10:00:00Z',
  stage: 1,
  stage_iteration: null,
  loop_iteration: null,
  media_type: 'metadata',
  item_type,
  content: null,
  file_path: null,
  config_used: null,
  model_used: null,
  backend_used: null,
  execution_time: null,
  metadata: {},
  ...more,
});

/** A finished run with these items. */
export const recordOf = (
  items: readonly ExecutionItem[],
  more: Partial<ExecutionRecord> = {},
): ExecutionRecord => ({
  execution_id: 'exec_20260301_100000_00000001',
  config_name: 'dada',
  timestamp: '2026-03-01T10:00:00Z',
  execution_mode: 'eco',
  safety_level: 'kids',
  total_execution_time: 1.5,
  items_count: items.length,
  user_id: 'anonymous',
  session_id: 'default',
  taxonomy_version: '1.1',
  workflow_id: 'dada',
  scope_type: null,
  scope_id: null,
  status: 'completed',
  is_terminal: true,
  started_at: '2026-03-01T10:00:00Z',
  completed_at: '2026-03-01T10:00:01.5Z',
  outputs_generated: 1,
  outputs_blocked: 0,
  outputs_failed: 0,
  version: items.length - 1,
  used_seed: 7,
  result: null,
  error: null,
  cancelled_at: null,
  findings: [],
  items,
  ...more,
});

import type { ExecutionRecord } from '../run/record.ts';
import type { Recorder } from '../run/recorder.ts';

/**
 * Ends the runs of ours that a dead process left open, so that nothing stays "running" for ever: until runs can be
 * resumed, each gets `pipeline_error` (`process_died`). Returns how many there were.
 */
export async function closeAbandonedRuns(
  recorder: Recorder,
  abandoned: readonly string[],
  read: (executionId: string) => Promise<ExecutionRecord | undefined>,
): Promise<number> {
  let closed = 0;
  for (const executionId of abandoned) {
    const record = await read(executionId);
    if (record === undefined || record.is_terminal) continue;
    const stage = record.items.at(-1)?.stage ?? 0;
    const message =
      'The process that executed this run died; what it had recorded is complete, the rest was not done.';
    await recorder.record({
      executionId,
      by: 'own',
      run: 'existing',
      items: [
        {
          draft: {
            item_type: 'pipeline_error',
            stage,
            media_type: 'metadata',
            content: message,
            metadata: {
              error_type: 'process_died',
              error_stage: stage,
              error_message: message,
              recoverable: false,
            },
          },
        },
      ],
    });
    closed += 1;
  }
  return closed;
}

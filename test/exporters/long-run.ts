import type { Replay } from '../../src/exporters/contract.ts';
import { item, recordOf } from './record-of.ts';
import { replayOf } from './replay-of.ts';

const words = 'a meadow of forgotten clocks under a paper sky, and nobody there to wind them';

/** A telephone game that went on for ever: so many items, each with a text of its own. */
export const longRun = (items: number): Replay =>
  replayOf(
    recordOf(
      Array.from({ length: items }, (_, index) =>
        item(index + 1, 'interception_iteration', {
          stage: 2,
          stage_iteration: index + 1,
          content: `${index}: ${words} ${'and on '.repeat(index % 30)}`,
          model_used: 'local/gpt-oss:20b',
          backend_used: 'ollama',
          execution_time: 4.1 + (index % 10) / 10,
          metadata: {
            from_lang: 'en',
            to_lang: 'fr',
            prompt_id: `job-${index}`,
            usage: { input: index, output: 12 },
          },
        }),
      ),
    ),
  );

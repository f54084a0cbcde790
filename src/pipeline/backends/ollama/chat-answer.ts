import { z } from 'zod';
import { count } from '../../../events/token.ts';
import { brokenAnswer } from '../broken-answer.ts';
import type { CollectedText } from '../collected-text.ts';
import type { HttpAnswer, HttpCall } from '../http-contract.ts';
import { type JsonLine, jsonLines } from './json-lines.ts';

/** What is no count is not told: missing is null, never 0. */
const told = count.nullable().catch(null).default(null);

/** A line of `POST /api/chat`; the last one is `done` and has the counters. Durations are nanoseconds. */
const chatLine = z.object({
  model: z.string().min(1).optional(),
  message: z.object({ content: z.string().nullish(), thinking: z.string().nullish() }).nullish(),
  done: z.boolean().default(false),
  done_reason: z.string().min(1).nullable().default(null),
  remote_model: z.string().optional(),
  remote_host: z.string().optional(),
  total_duration: told,
  load_duration: told,
  prompt_eval_count: told,
  prompt_eval_duration: told,
  eval_count: told,
  eval_duration: told,
});

/** The end of a chat: what the last line said, and the names that any line gave. */
export type ChatEnd = Omit<z.infer<typeof chatLine>, 'message' | 'done' | 'model'> & {
  readonly model: string;
};

/**
 * Reads a chat into `text` up to its last line. An error in a line under HTTP 200, a line of another form and an end
 * without `done` break the answer.
 */
export async function readChat(call: HttpCall, answer: HttpAnswer, text: CollectedText): Promise<ChatEnd> {
  let names: Partial<Pick<ChatEnd, 'model' | 'remote_model' | 'remote_host'>> = {};
  for await (const json of jsonLines(call, answer)) {
    const { message, done, ...line } = lineOf(call, json);
    text.add(message?.content ?? '');
    text.addThinking(message?.thinking ?? '');
    names = { ...names, ...namesOf(line) };
    if (done) {
      if (names.model === undefined) throw brokenAnswer(call, 'it names no model');
      return { ...line, ...names, model: names.model };
    }
  }
  throw brokenAnswer(call, 'the stream ended before it was done');
}

function lineOf(call: HttpCall, { text, value }: JsonLine): z.infer<typeof chatLine> {
  if (typeof value === 'object' && value !== null && 'error' in value) {
    throw brokenAnswer(call, 'an error in the stream', { body: text });
  }
  const line = chatLine.safeParse(value);
  if (!line.success) throw brokenAnswer(call, 'a line of another form', { body: text });
  return line.data;
}

const namesOf = ({ model, remote_model, remote_host }: Partial<z.infer<typeof chatLine>>) => ({
  ...(model === undefined ? {} : { model }),
  ...(remote_model === undefined ? {} : { remote_model }),
  ...(remote_host === undefined ? {} : { remote_host }),
});

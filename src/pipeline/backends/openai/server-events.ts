import { createParser } from 'eventsource-parser';
import { brokenAnswer } from '../broken-answer.ts';
import type { HttpAnswer, HttpCall } from '../http-contract.ts';

/** The longest event that is read, in UTF-16 units: pictures come as base64 in one, so media adapters say their own. */
export const maxEventCharacters = 1_048_576;

/**
 * The `data` of each server-sent event, whatever pieces they come in: LF or CRLF, a byte order mark, comments and
 * data of several lines are read as the standard says; an event that its blank line never ended is none.
 */
export async function* serverEvents(
  call: HttpCall,
  { bytes }: HttpAnswer,
  limit = maxEventCharacters,
): AsyncGenerator<string> {
  const found: string[] = [];
  let isTooLong = false;
  const parser = createParser({
    maxBufferSize: limit,
    onEvent: ({ data }) => found.push(data),
    // Other faults are fields that the standard says to pass over.
    onError: ({ type }) => {
      isTooLong ||= type === 'max-buffer-size-exceeded';
    },
  });
  const decoder = new TextDecoder();
  for await (const piece of bytes) {
    parser.feed(decoder.decode(piece, { stream: true }));
    yield* found.splice(0);
    if (isTooLong) throw brokenAnswer(call, `an event of more than ${limit} characters`);
  }
}

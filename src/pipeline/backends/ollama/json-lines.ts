import { brokenAnswer } from '../broken-answer.ts';
import type { HttpAnswer, HttpCall } from '../http-contract.ts';

/** The longest line that is read, in UTF-16 units. */
export const maxLineCharacters = 1_048_576;

export type JsonLine = { readonly text: string; readonly value: unknown };

/**
 * The lines of an NDJSON answer, whatever pieces they come in. A line that is no JSON, or too long, breaks the answer;
 * one without an end is taken as it is, since the last may lack it.
 */
export async function* jsonLines(call: HttpCall, { bytes }: HttpAnswer): AsyncGenerator<JsonLine> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const piece of bytes) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > maxLineCharacters) {
      throw brokenAnswer(call, `a line of more than ${maxLineCharacters} characters`);
    }
    for (const line of lines) if (line.trim() !== '') yield parsed(call, line);
  }
  rest += decoder.decode();
  if (rest.trim() !== '') yield parsed(call, rest);
}

function parsed(call: HttpCall, text: string): JsonLine {
  try {
    return { text, value: JSON.parse(text) };
  } catch {
    // The parser's message quotes the line: the evidence has it instead.
    throw brokenAnswer(call, 'a line that is no JSON', { body: text });
  }
}

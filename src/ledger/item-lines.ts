import { isObject, readCanonical } from './canonical-json.ts';
import { readCore } from './proven-core.ts';
import { isMalformed, readBundle } from './read-bundle.ts';
import { shownText } from './shown-text.ts';

/** The items of a bundle as they were recorded, for somebody who holds the paper beside them: a line, then its text. */
export function* itemLines(bytes: Uint8Array): Iterable<string> {
  const bundle = readBundle(bytes);
  if (isMalformed(bundle)) return;
  for (const { core, payload } of bundle.events) {
    const read = readCore(core);
    if (read === undefined) continue;
    yield `\n${read.seq}  ${shownText(read.time)}  ${shownText(read.type)}`;
    if (Object.keys(read.facts).length > 0) yield `   ${shownText(JSON.stringify(read.facts))}`;
    const opened = payload === undefined ? undefined : readCanonical(payload.text);
    if (!isObject(opened)) continue;
    const { content, ...more } = opened;
    if (typeof content === 'string') for (const line of content.split('\n')) yield `   | ${shownText(line)}`;
    if (Object.keys(more).length > 0) yield `   ${shownText(JSON.stringify(more))}`;
  }
}

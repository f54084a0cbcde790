import { setImmediate } from 'node:timers/promises';
import type { Exporter, Replay } from './contract.ts';
import { type Evidence, evidenceFileName } from './evidence.ts';
import { itemElement } from './xml-item.ts';
import { memberElements } from './xml-value.ts';

const bytes = new TextEncoder();

/** UTF-16 units that are written in one turn of the event loop: at most a few milliseconds' work. */
const chunkLength = 32_768;

/**
 * The record in the namespace `urn:runledger:run:1`: docs/xml.md, docs/run-1.xsd. An item at a time, so memory does not
 * grow with the run.
 *
 * Written by us and not with xmlbuilder2, whose streaming callbacks were measured first: they took four times as long as
 * its own `create().end()`, one fragment an item half as long again. It also takes the words `&lt;` in a prompt for
 * markup that is escaped already, and passes on characters that no XML file may hold.
 */
export const xmlExporter: Exporter = {
  format: 'xml',
  mime: 'application/xml; charset=utf-8',
  extension: 'xml',
  choices: ['view', 'include'],
  isHeavy: false,
  export: writeRun,
};

async function* writeRun(replay: Replay, signal: AbortSignal): AsyncIterable<Uint8Array> {
  let chunk = '';
  for await (const parts of sectionsOf(replay, signal)) {
    signal.throwIfAborted();
    for (const part of parts) {
      chunk += part;
      if (chunk.length < chunkLength) continue;
      yield bytes.encode(chunk);
      chunk = '';
      // A source whose items are all there would otherwise never let others in.
      await setImmediate();
      signal.throwIfAborted();
    }
  }
  yield bytes.encode(chunk);
}

async function* sectionsOf(
  { header, items, evidence }: Replay,
  signal: AbortSignal,
): AsyncIterable<Iterable<string>> {
  yield [
    '<?xml version="1.0" encoding="UTF-8"?>\n<execution_record xmlns="urn:runledger:run:1">\n  <metadata>',
  ];
  yield memberElements(Object.entries(header), '\n    ');
  yield ['\n  </metadata>\n  <items>'];
  for await (const item of items(signal)) yield itemElement(item, '\n    ');
  yield ['\n  </items>'];
  yield evidenceElement(await evidence(signal), header.execution_id);
  yield ['\n</execution_record>\n'];
}

/** So many bytes stand in one part: a parser that guards itself takes no text of more than 10 MB in one piece. */
const partBytes = 786_432;

function* evidenceElement(evidence: Evidence, executionId: string): Iterable<string> {
  if (evidence.kind === 'none') {
    yield `\n  <no_evidence reason="${evidence.why}"/>`;
    return;
  }
  const { buffer, byteOffset, byteLength } = evidence.bytes;
  yield `\n  <evidence name="${evidenceFileName(executionId)}" encoding="base64">`;
  for (let at = 0; at < byteLength; at += partBytes) {
    const part = Buffer.from(buffer, byteOffset + at, Math.min(partBytes, byteLength - at));
    yield `\n    <part>${part.toString('base64')}</part>`;
  }
  yield '\n  </evidence>';
}

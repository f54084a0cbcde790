import type { Exporter, Replay } from './contract.ts';
import { jsonExporter } from './json.ts';
import { outlineOfRun } from './outline-of-run.ts';
import { evidenceFileName } from './evidence.ts';
import { collected } from './pdf/collected.ts';
import { picturesOf } from './pdf/picture.ts';

/** The run as a report for people, PDF/A-3a, with the exact record of the same items and the evidence as files inside. */
export const pdfExporter: Exporter = {
  format: 'pdf',
  mime: 'application/pdf',
  extension: 'pdf',
  choices: ['view', 'include', 'lang'],
  isHeavy: true,
  export: writeReport,
};

const evidenceDescription = {
  en: 'The evidence that the run is complete and unchanged',
  de: 'Der Nachweis, dass der Lauf vollständig und unverändert ist',
};
const recordDescription = { en: 'The exact record of the run', de: 'Die genaue Aufzeichnung des Laufs' };

/** Holds the report, its pictures and the record in memory: that is what a PDF takes. */
async function* writeReport(replay: Replay, signal: AbortSignal): AsyncIterable<Uint8Array> {
  // Only here: a process that never typesets need not load the compiler.
  const { typeset } = await import('./pdf/typeset.ts');
  const { execution_id: executionId } = replay.header;
  const outline = await outlineOfRun(replay, signal);
  const pictures = await picturesOf([...outline.lead, ...outline.body], replay, signal);
  const record = {
    name: `${executionId}.json`,
    bytes: await collected(jsonExporter.export(replay, signal)),
    mime: 'application/json',
    relationship: 'data',
    description: recordDescription[replay.language],
  } as const;
  const evidence = await replay.evidence(signal);
  const proof =
    evidence.kind === 'none'
      ? []
      : [
          {
            name: evidenceFileName(executionId),
            bytes: evidence.bytes,
            mime: 'application/json',
            relationship: 'source',
            description: evidenceDescription[replay.language],
          } as const,
        ];
  yield typeset({ outline, executionId, pictures, attachments: [record, ...proof] }, signal);
}

import { describe, expect, test } from 'vitest';
import { LedgerError } from '../../src/errors.ts';
import type { Replay } from '../../src/exporters/contract.ts';
import { evidenceLacks } from '../../src/exporters/evidence.ts';
import { formats } from '../../src/exporters/registry.ts';
import { bundleBytes } from '../../src/ledger/bundle.ts';
import { containedBundle } from '../../src/ledger/contained-bundle.ts';
import { endedBundle, picture, pictureBytes } from '../ledger/small-ledger.ts';
import { bytesOf } from './bytes-of.ts';
import { attachmentsOf, has, objectsOf, wordsOf } from './pdf-file.ts';
import { item, recordOf } from './record-of.ts';
import { replayOf } from './replay-of.ts';
import { readWordFile } from './word-file.ts';
import { validate } from './xml-reader.ts';

const bundle = bundleBytes(endedBundle());
const record = recordOf([
  item(1, 'pipeline_start', { stage: 0 }),
  item(2, 'user_input_text', { content: '<evidence><part>QUJD</part></evidence> {"checkpoint":"' }),
  item(3, 'output_image', { file_path: `/api/media/${picture}` }),
]);
const proven = (bytes: Uint8Array = bundle): Replay =>
  replayOf(record, { media: [pictureBytes], evidence: { kind: 'bundle', bytes } });
const exported = (format: string, replay: Replay): Promise<Buffer> => {
  const exporter = formats.get(format);
  if (exporter === undefined) throw new TypeError(`no exporter for ${format}`);
  return bytesOf(exporter, replay);
};

describe('the evidence in an export', () => {
  test.each(['audit', 'xml', 'pdf', 'docx', 'zip'])(
    'is in %s byte for byte, and is found there whatever else is written in the file',
    async (format) => {
      const { bundles, container } = containedBundle(await exported(format, proven()));
      expect(container).toBe(format === 'audit' ? 'json' : format);
      expect(bundles.map((bytes) => bytes.equals(bundle))).toEqual([true]);
    },
  );

  test('of several MiB stands in XML in parts that every parser takes', async () => {
    const large = Buffer.alloc(2_000_003, 'evidence ');
    const xml = await exported('xml', proven(large));
    validate(xml);
    expect(xml.toString().match(/<part>/g)).toHaveLength(3);
    expect(containedBundle(xml).bundles[0]?.equals(large)).toBe(true);
  });

  test('comes out of a ZIP with the digests of the media beside it', async () => {
    expect(containedBundle(await exported('zip', proven())).media).toEqual(new Map([[picture, picture]]));
  });

  test('is a part of the Word package that the package itself points to', async () => {
    const word = readWordFile(await exported('docx', proven()));
    expect(word.partText('_rels/.rels')).toContain('Target="evidence.audit.json"');
    expect(word.partText('[Content_Types].xml')).toContain('PartName="/evidence.audit.json"');
  });

  test.skipIf(!has('pdfdetach') || !has('qpdf'))(
    'is an associated file of a PDF, as its source, and a stranger gets it with pdfdetach',
    async () => {
      const pdf = await exported('pdf', proven());
      expect(attachmentsOf(pdf).get(`${record.execution_id}.audit.json`)?.equals(bundle)).toBe(true);
      expect(objectsOf(pdf)).toMatch(/\/AFRelationship \/Source/);
      expect(wordsOf(pdf, record.execution_id)).toContain(`${record.execution_id}.audit.json`);
    },
  );
});

describe('an export without evidence', () => {
  test.each(evidenceLacks)('says why: %s', async (why) => {
    const replay = replayOf(record, { media: [pictureBytes], evidence: { kind: 'none', why } });
    const xml = await exported('xml', replay);
    validate(xml);
    expect(xml.toString()).toContain(`<no_evidence reason="${why}"/>`);
    const text = readWordFile(await exported('docx', replay))
      .paragraphs()
      .map((paragraph) => paragraph.text);
    expect(text.join('\n')).toContain('none in this file');
    for (const format of ['xml', 'docx', 'pdf', 'zip'])
      expect(containedBundle(await exported(format, replay)).bundles).toEqual([]);
  });

  test.each(evidenceLacks)('in the format audit is refused: EVIDENCE_UNAVAILABLE (%s)', async (why) => {
    const replay = replayOf(record, { evidence: { kind: 'none', why } });
    const refused = exported('audit', replay);
    await expect(refused).rejects.toBeInstanceOf(LedgerError);
    await expect(refused).rejects.toMatchObject({ code: 'EVIDENCE_UNAVAILABLE', retryable: true });
  });
});

import { createHash } from 'node:crypto';
import type { Replay } from '../../src/exporters/contract.ts';
import { visibleText } from '../../src/exporters/visible-text.ts';
import { containedBundle } from '../../src/ledger/contained-bundle.ts';
import { isMalformed, readBundle } from '../../src/ledger/read-bundle.ts';
import { missingWords } from './missing-words.ts';
import { printer } from '../../src/exporters/pdf/printable-text.ts';
import { attachmentsOf, has, told, wordsOf } from './pdf-file.ts';
import { unzipped } from './unzipped.ts';
import { faultsOf as wordFaults, readWordFile } from './word-file.ts';
import { readRecord, validate } from './xml-reader.ts';

/** How a format is read back by somebody who does not know how it was written. */
export type Reading = {
  /** What has to be on the machine for it. */
  readonly programs?: readonly string[];
  /** What the format's own validator has to say against it. */
  readonly faults: (bytes: Uint8Array) => Promise<readonly string[]>;
  /** What the replay says and the file does not. */
  readonly missing: (bytes: Uint8Array, replay: Replay) => Promise<readonly string[]>;
};

/** The record as plain JSON, as a client would get it. */
async function recordOf({ header, items }: Replay): Promise<unknown> {
  const all: unknown[] = [];
  for await (const item of items(new AbortController().signal)) all.push(item);
  return JSON.parse(JSON.stringify({ ...header, items: all }));
}

/** The evidence is in a file once, to the byte. */
async function evidenceDiffers(bytes: Uint8Array, { evidence }: Replay): Promise<readonly string[]> {
  const told = await evidence(new AbortController().signal);
  const wanted = told.kind === 'none' ? [] : [Buffer.from(told.bytes)];
  const { bundles } = containedBundle(Buffer.from(bytes));
  const isSame = bundles.length === wanted.length && wanted.every((one, at) => bundles[at]?.equals(one));
  return isSame ? [] : [`the evidence differs: ${bundles.length} in the file, ${wanted.length} to be`];
}

const differs = async (read: unknown, replay: Replay): Promise<readonly string[]> => {
  const [ours, theirs] = [sorted(await recordOf(replay)), sorted(read)];
  return ours === theirs ? [] : [`the record differs: ${firstDifference(ours, theirs)}`];
};

function sorted(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}

function firstDifference(a: string, b: string): string {
  let at = 0;
  while (a[at] === b[at]) at += 1;
  return `${a.slice(at - 40, at + 40)} | ${b.slice(at - 40, at + 40)}`;
}

const thrown = (act: () => unknown): readonly string[] => {
  try {
    act();
    return [];
  } catch (error) {
    return [String(error)];
  }
};

const readings: Readonly<Record<string, Reading>> = {
  json: {
    faults: async (bytes) => thrown(() => JSON.parse(Buffer.from(bytes).toString())),
    missing: (bytes, replay) => differs(JSON.parse(Buffer.from(bytes).toString()), replay),
  },
  xml: {
    faults: async (bytes) => thrown(() => validate(bytes)),
    missing: async (bytes, replay) => [
      ...(await differs(readRecord(bytes), replay)),
      ...(await evidenceDiffers(bytes, replay)),
    ],
  },
  pdf: {
    programs: ['qpdf', 'pdftotext', 'pdfdetach'],
    faults: async (bytes) => thrown(() => told(bytes, 'qpdf', ['--check', '{}'])),
    missing: async (bytes, replay) => {
      const attached = attachmentsOf(bytes).get(`${replay.header.execution_id}.json`) ?? '{}';
      const text = wordsOf(bytes, replay.header.execution_id);
      const { print } = printer(new Set());
      const shown = (leaf: string): string =>
        print(visibleText(leaf).replaceAll('\t', ' '), 'en').normalize('NFC');
      return [
        ...(await differs(JSON.parse(attached.toString()), replay)),
        ...(await evidenceDiffers(bytes, replay)),
        ...missingWords(await recordOf(replay), text, shown),
      ];
    },
  },
  docx: {
    faults: wordFaults,
    missing: async (bytes, replay) => {
      const text = readWordFile(bytes)
        .paragraphs()
        .map((paragraph) => paragraph.text)
        .join('\n');
      return [
        ...(await evidenceDiffers(bytes, replay)),
        ...missingWords(await recordOf(replay), text, visibleText),
      ];
    },
  },
  zip: {
    faults: async (bytes) => zipFaults(unzipped(bytes)),
    missing: async (bytes, replay) => {
      const record = unzipped(bytes).get('record.json') ?? new Uint8Array();
      return [
        ...(await differs(JSON.parse(Buffer.from(record).toString()), replay)),
        ...(await evidenceDiffers(bytes, replay)),
      ];
    },
  },
  audit: {
    faults: async (bytes) => {
      const read = readBundle(bytes);
      return isMalformed(read) ? [`${read.pointer}: ${read.expected}`] : [];
    },
    missing: evidenceDiffers,
  },
};

async function zipFaults(files: ReadonlyMap<string, Uint8Array>): Promise<readonly string[]> {
  const manifest = JSON.parse(Buffer.from(files.get('manifest.json') ?? []).toString()) as {
    readonly members: readonly { readonly name: string; readonly sha256: string }[];
    readonly missing: readonly { readonly name: string; readonly reason: string }[];
  };
  const faults = manifest.members
    .filter(
      ({ name, sha256 }) =>
        createHash('sha256')
          .update(files.get(name) ?? '')
          .digest('hex') !== sha256,
    )
    .map(({ name }) => `${name} has another digest`);
  for (const { name, reason } of manifest.missing) if (reason === 'impossible') faults.push(`no ${name}`);
  for (const [name, bytes] of files) {
    const extension = /^(?:record|report)\.(\w+)$/.exec(name)?.[1];
    if (extension === undefined) continue;
    const { programs = [], faults: read } = reading(extension);
    if (programs.every(has)) faults.push(...(await read(bytes)));
  }
  return faults;
}

/** Throws for a format that nobody has said how to read: an exporter without a validator is not done. */
export function reading(format: string): Reading {
  const found = readings[format];
  if (found === undefined)
    throw new TypeError(`nobody can read ${format}: add it to test/exporters/reading.ts`);
  return found;
}

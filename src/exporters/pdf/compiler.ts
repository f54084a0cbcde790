import { Buffer } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { NodeCompiler } from '@myriaddreamin/typst-ts-node-compiler';
import { CompilerRefusal, refusalOfWriter } from './compiler-refusal.ts';
import type { Font } from './fonts.ts';

/** The files that a document reads, by their names in it, such as `/report.json`. */
export type DocumentFiles = ReadonlyMap<string, Uint8Array>;

/** A folder that does not exist: whatever is not among the files is not there. */
const workspace = '/runledger-report';

/**
 * Compiles a Typst document to PDF/A-3a, with no fonts but these and no files but these. Synchronous. Throws CompilerRefusal.
 */
export function compiled(source: string, files: DocumentFiles, fonts: Iterable<Font>): Uint8Array {
  const fontBlobs = [...fonts].map(({ file }) => readFileSync(file));
  // The compiler takes memory that is not the engine's, so this would not think of giving any back.
  globalThis.gc?.();
  const compiler = NodeCompiler.create({ workspace, fontArgs: [{ fontBlobs }] });
  try {
    for (const [name, bytes] of files)
      compiler.mapShadow(workspace + name, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    const compilation = compiler.compile({ mainFileContent: source });
    const { result } = compilation;
    if (result === null || compilation.hasError()) throw refusalOf(compiler, compilation.takeError());
    try {
      return compiler.pdf(result, { pdfStandard: 'a-3a' });
    } catch (error) {
      throw refusalOfWriter(error);
    }
  } finally {
    // The compiler keeps what it has laid out for all documents of the process.
    compiler.resetShadow();
    compiler.evictCache(0);
  }
}

type CompilationError = Parameters<NodeCompiler['fetchDiagnostics']>[0];

function refusalOf(compiler: NodeCompiler, error: CompilationError | null): CompilerRefusal {
  if (error === null) return new CompilerRefusal(['the compiler gave no document and no reason']);
  const diagnostics = compiler.fetchDiagnostics(error) as readonly { readonly message: string }[];
  return new CompilerRefusal(diagnostics.map(({ message }) => message));
}

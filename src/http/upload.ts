import { Buffer } from 'node:buffer';
import type { MultipartFile } from '@fastify/multipart';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LedgerError } from '../errors.ts';

/** The largest file that is taken. */
export const maxUploadBytes = 20 * 1024 * 1024;
/** Up to here a file that is too large is read and thrown away, so that its sender lives to read the answer. */
const maxReadBytes = 32 * 1024 * 1024;
/** Room for the boundaries and headers of a form. */
const maxFormBytes = 64 * 1024;

/** For the parser of forms: one part, which is a file. */
export const uploadLimits = { parts: 1, files: 1, fields: 0, fileSize: maxReadBytes };

/**
 * The bytes of the one file of a form. BODY_TOO_LARGE beyond {@link maxUploadBytes}; INVALID_REQUEST for a form that holds
 * anything else, or that cannot be read to its end.
 */
export async function readUpload(request: FastifyRequest, reply: FastifyReply): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > maxReadBytes + maxFormBytes) throw tooLarge(reply);
  let file: Buffer | undefined;
  try {
    for await (const part of request.parts()) {
      if (part.type === 'file') file = await bytesOf(part, reply);
    }
  } catch (error) {
    throw error instanceof LedgerError ? error : refusalOf(error);
  }
  if (file === undefined) throw notOneFile();
  return file;
}

async function bytesOf({ file }: MultipartFile, reply: FastifyReply): Promise<Buffer> {
  let pieces: Buffer[] = [];
  let sizeBytes = 0;
  // The stream itself would go on, without any more pieces, to the end of the part.
  file.once('limit', () => file.destroy(tooLarge(reply)));
  for await (const piece of file as AsyncIterable<Buffer>) {
    sizeBytes += piece.byteLength;
    if (sizeBytes > maxUploadBytes) pieces = [];
    else pieces.push(piece);
  }
  if (sizeBytes > maxUploadBytes) throw new LedgerError('BODY_TOO_LARGE', { limitBytes: maxUploadBytes });
  return Buffer.concat(pieces);
}

/** What is left of the request is not read: the connection cannot be used again. */
function tooLarge(reply: FastifyReply): LedgerError {
  void reply.header('connection', 'close');
  return new LedgerError('BODY_TOO_LARGE', { limitBytes: maxUploadBytes });
}

const refused = (what: string, cure: string, cause?: unknown): LedgerError =>
  new LedgerError('INVALID_REQUEST', { what, cure }, { cause });

const notOneFile = (cause?: unknown): LedgerError =>
  refused('The form does not hold one file and nothing else', 'send the picture as its only part', cause);

function refusalOf(cause: unknown): LedgerError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  switch (code) {
    case 'FST_PARTS_LIMIT':
    case 'FST_FILES_LIMIT':
    case 'FST_FIELDS_LIMIT':
      return notOneFile(cause);
    case 'FST_PROTO_VIOLATION':
      return refused('The part has a reserved name', 'call it "file"', cause);
    default:
      return refused('The form cannot be read to its end', 'send it again, whole', cause);
  }
}

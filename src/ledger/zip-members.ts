import { Buffer } from 'node:buffer';
import { inflateRawSync } from 'node:zlib';

/** A member of a ZIP; `read` unpacks it, and gives undefined where that cannot be done. */
export type ZipMember = { readonly name: string; readonly read: () => Buffer | undefined };

/** More than any member of ours; one that would unpack to more is not read. */
const maxMemberBytes = 1024 ** 3;

const endSignature = 0x06_05_4b_50;
const entrySignature = 0x02_01_4b_50;
const localSignature = 0x04_03_4b_50;
const endBytes = 22;
const entryBytes = 46;
const localBytes = 30;

/**
 * The members that the directory of a ZIP names, by hand: the verifier is a file without a library. Undefined for a file
 * that has no readable directory, also one of more than 65,534 members or 4 GiB, whose directory is written otherwise.
 */
export function zipMembers(zip: Buffer): readonly ZipMember[] | undefined {
  const end = zip.lastIndexOf(Buffer.from('PK\u0005\u0006', 'latin1'));
  if (end < 0 || end + endBytes > zip.byteLength || zip.readUInt32LE(end) !== endSignature) return undefined;
  const count = zip.readUInt16LE(end + 10);
  let at = zip.readUInt32LE(end + 16);
  const members: ZipMember[] = [];
  for (let member = 0; member < count; member += 1) {
    if (at + entryBytes > end || zip.readUInt32LE(at) !== entrySignature) return undefined;
    const nameBytes = zip.readUInt16LE(at + 28);
    const entry = {
      method: zip.readUInt16LE(at + 10),
      packedBytes: zip.readUInt32LE(at + 20),
      offset: zip.readUInt32LE(at + 42),
    };
    const name = zip.toString('utf8', at + entryBytes, at + entryBytes + nameBytes);
    members.push({ name, read: () => unpacked(zip, entry) });
    at += entryBytes + nameBytes + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  return members;
}

type Entry = { readonly method: number; readonly packedBytes: number; readonly offset: number };

function unpacked(zip: Buffer, { method, packedBytes, offset }: Entry): Buffer | undefined {
  if (offset + localBytes > zip.byteLength || zip.readUInt32LE(offset) !== localSignature) return undefined;
  const begin = offset + localBytes + zip.readUInt16LE(offset + 26) + zip.readUInt16LE(offset + 28);
  const packed = zip.subarray(begin, begin + packedBytes);
  if (method === 0) return packed;
  if (method !== 8) return undefined;
  try {
    return inflateRawSync(packed, { maxOutputLength: maxMemberBytes });
  } catch {
    // Whatever is wrong with it, it is not what was packed.
    return undefined;
  }
}

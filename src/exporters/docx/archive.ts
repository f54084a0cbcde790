import { Zip, ZipDeflate, ZipPassThrough } from 'fflate';

/** A zip file that is written part by part; what is ready so far is taken away, so that it never stands in memory whole. */
export type Archive = {
  /** A part in one piece. */
  readonly add: (name: string, content: string | Uint8Array) => void;
  /** Bytes in one piece that are worth compressing. */
  readonly addDeflated: (name: string, content: Uint8Array) => void;
  /** A part in pieces; the next one begins after the last piece. */
  readonly begin: (name: string) => (piece: string, isLast: boolean) => void;
  /** Writes the directory; nothing may follow. */
  readonly end: () => void;
  /** Bytes since the last call. */
  readonly take: () => readonly Uint8Array[];
};

/**
 * The same parts give the same bytes on each machine: one time for every part, and a compressor in plain JavaScript
 * (zlib's output differs between its builds).
 */
export function openArchive(): Archive {
  let ready: Uint8Array[] = [];
  const zip = new Zip((error, bytes) => {
    if (error) throw error;
    ready.push(bytes);
  });
  const encoder = new TextEncoder();
  const deflating = (name: string): ZipDeflate => {
    const entry = new ZipDeflate(name, { level: 6 });
    entry.mtime = fixedTime();
    zip.add(entry);
    return entry;
  };
  const begin = (name: string) => {
    const entry = deflating(name);
    return (piece: string, isLast: boolean) => entry.push(encoder.encode(piece), isLast);
  };
  return {
    begin,
    addDeflated: (name, content) => deflating(name).push(content, true),
    add(name, content) {
      if (typeof content === 'string') return begin(name)(content, true);
      // Pictures are compressed already.
      const entry = new ZipPassThrough(name);
      entry.mtime = fixedTime();
      zip.add(entry);
      entry.push(content, true);
    },
    end: () => zip.end(),
    take() {
      const taken = ready;
      ready = [];
      return taken;
    },
  };
}

/** Noon of the first day that a zip file can name, in the time of the place: fflate asks for the parts of that. */
const fixedTime = (): Date => new Date(1980, 0, 1, 12);

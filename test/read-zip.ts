import { buffer } from 'node:stream/consumers';
import yauzl from 'yauzl';

/**
 * The files of a ZIP by name, in its order, each checked against its length and CRC-32 by a reader that is not ours. Of
 * those that are not `wanted` only the names.
 */
export async function readZip(
  zip: string | Buffer,
  wanted: (name: string) => boolean = () => true,
): Promise<ReadonlyMap<string, Buffer>> {
  const opened = typeof zip === 'string' ? await openFile(zip) : await openBuffer(zip);
  const files = new Map<string, Buffer>();
  await new Promise<void>((resolve, reject) => {
    const take = async (entry: yauzl.Entry): Promise<void> => {
      if (files.has(entry.fileName)) throw new Error(`${entry.fileName} stands twice`);
      files.set(entry.fileName, wanted(entry.fileName) ? await contentOf(opened, entry) : Buffer.alloc(0));
      opened.readEntry();
    };
    opened.on('entry', (entry: yauzl.Entry) => {
      take(entry).catch(reject);
    });
    opened.on('end', resolve);
    opened.on('error', reject);
    opened.readEntry();
  });
  opened.close();
  return files;
}

function contentOf(zip: yauzl.ZipFile, entry: yauzl.Entry): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    zip.openReadStream(entry, (error, stream) => {
      if (error) reject(error);
      else resolve(buffer(stream));
    });
  });
}

const options = { lazyEntries: true, autoClose: false, strictFileNames: true } as const;

const openFile = (path: string): Promise<yauzl.ZipFile> =>
  new Promise((resolve, reject) => {
    yauzl.open(path, options, (error, zip) => (error ? reject(error) : resolve(zip)));
  });

const openBuffer = (bytes: Buffer): Promise<yauzl.ZipFile> =>
  new Promise((resolve, reject) => {
    yauzl.fromBuffer(bytes, options, (error, zip) => (error ? reject(error) : resolve(zip)));
  });

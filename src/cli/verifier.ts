import { parseArgs } from 'node:util';
import { languageOfPlace, verifyFile } from './verify.ts';

/**
 * The verifier by itself: what dist/verify.mjs is made from, for somebody who has Node and not this project. The same
 * arguments and the same exit status as `runledger verify`; wrong usage is 2, as is a file that cannot be read.
 */
const usage =
  'verify FILE [--key VKEY]… [--media DIR] [--items] [--json] [--lang en|de]\n' +
  '  0 verified, 1 tampered, 2 malformed, 3 no key named, 4 the run is open, 5 parts are not there\n';

process.exitCode = run(process.argv.slice(2));

function run(args: readonly string[]): number {
  const given = parsed(args);
  const [file, ...more] = given?.positionals ?? [];
  if (given === undefined || file === undefined || more.length > 0) {
    process.stderr.write(usage);
    return 2;
  }
  const { key = [], media, lang, items = false, json = false } = given.values;
  const language = lang === 'de' || lang === 'en' ? lang : languageOfPlace();
  return verifyFile(file, { keys: key, media, language, withItems: items, isJson: json });
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        key: { type: 'string', multiple: true },
        media: { type: 'string' },
        items: { type: 'boolean' },
        json: { type: 'boolean' },
        lang: { type: 'string' },
      },
    });
  } catch {
    // An option that there is none of; the usage says which there are.
    return undefined;
  }
}

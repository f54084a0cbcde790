/**
 * Makes keys as a node on a shared log: `key-maker.js DIR COUNT [STEP]` prints `ready`, waits for a word, opens the keyring and
 * makes the keys of the streams `run-0` … in steps (backwards where STEP is -1), each told as `STREAM KEY` once it is durable.
 */
import { once } from 'node:events';
import { openKeyring } from '../../src/keyring/keyring.ts';

const [directory = '', count = '0', step = '1'] = process.argv.slice(2);
process.stdout.write('ready\n');
await once(process.stdin, 'data');
const keyring = await openKeyring(directory, { isShared: true });
process.stdout.write(`naming ${Buffer.from(keyring.naming).toString('hex')}\n`);
for (let made = 0; made < Number(count); made += 1) {
  const stream = `run-${step === '-1' ? Number(count) - 1 - made : made}`;
  const key = await keyring.createKey(stream);
  process.stdout.write(`${stream} ${Buffer.from(key).toString('hex')}\n`);
}
await keyring.close();
process.exit(0);

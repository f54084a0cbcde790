import { startProtocolServer } from './server.ts';

/**
 * The protocol server as a process: `main.js DIRECTORY [PORT]`. Prints `{"url","port"}` as a line once it listens; ends on
 * SIGTERM and with its parent, which is when its standard input closes.
 */
const [directory, port = '0'] = process.argv.slice(2);
if (directory === undefined) throw new Error('usage: main.js DIRECTORY [PORT]');
const server = await startProtocolServer({ directory, port: Number(port) });
let stopping: Promise<void> | null = null;
const stop = () => {
  stopping ??= server.stop().finally(() => process.stdin.destroy());
};
process.once('SIGTERM', stop);
process.stdin.once('end', stop).resume();
process.stdout.write(`${JSON.stringify({ url: server.url, port: server.port })}\n`);

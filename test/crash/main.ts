/**
 * `npm run crash -- --points 200 --terms 100 --pipeline 10 --outage 10000 --nodes 200 --copy 100000 --seed 1`: ends writers and the whole service at random moments,
 * under load, and a service that executes runs at every place where it can die, so many times each; checks what is left
 * after each. Takes the server of a log away in the middle of so many appends, and kills one of two services that share a log while
 * they execute so many runs; 0 leaves a part out. And copies a log of so many events into another store and back, killing the copy again and again; `--through`
 * names the other store, which must be empty; `--on` is a server for the two services. Throws, and so ends with status 1, at the first thing that is not as it was
 * acknowledged; the seed finds it again.
 */
import { parseArgs } from 'node:util';
import { crashCopy } from './copy-crash.ts';
import { crashLog } from './log-crash.ts';
import { crashNodes } from './nodes-crash.ts';
import { appendWithinMs, outage } from './store-outage.ts';
import { crashPipeline } from './pipeline-crash.ts';
import { crashService } from './service-crash.ts';

const { values } = parseArgs({
  options: {
    points: { type: 'string', default: '200' },
    terms: { type: 'string', default: '100' },
    pipeline: { type: 'string', default: '10' },
    outage: { type: 'string', default: '10000' },
    nodes: { type: 'string', default: '200' },
    on: { type: 'string' },
    copy: { type: 'string', default: '20000' },
    through: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1e6) },
  },
});
const seed = Number(values.seed);
const [points, terms, times] = [Number(values.points), Number(values.terms), Number(values.pipeline)];
console.log(`seed ${seed}`);

if (points > 0) {
  const log = await crashLog(points, seed);
  console.log(
    `log, SIGKILL: ${log.points} times, ${log.acks} appends acknowledged, ${log.events} events in the end; nothing lost, no half batch`,
  );
}
for (const [times, signal] of [
  [points, 'SIGKILL'],
  [terms, 'SIGTERM'],
] as const) {
  if (times === 0) continue;
  const { acknowledged, unanswered, events } = await crashService(times, seed, signal);
  const ending = signal === 'SIGTERM' ? '; every time it ended with status 0' : '';
  console.log(
    `service, ${signal}: ${times} times, ${acknowledged} requests acknowledged, ${unanswered} cut off, ${events} events checked; nothing lost, no half batch, every projection equals its rebuild${ending}`,
  );
}

for (const workflow of times === 0 ? [] : ['image_comparison', 'stillepost']) {
  const { appends, calls, kills, recovered } = await crashPipeline({ workflow, times });
  console.log(
    `pipeline, ${workflow}, SIGKILL: at ${appends} appends (before and after each) and in ${calls} calls of backends, ${times} times each; ${kills} kills, ${recovered} runs taken up; every run ended, no step repeated, no output without its decision`,
  );
}

const appends = Number(values.outage);
for (const nodes of appends === 0 ? [] : [1, 3]) {
  const result = await outage({ appends, nodes, seed });
  if (result.longestMs > appendWithinMs)
    throw new Error(`An append took ${result.longestMs} ms, and ${appendWithinMs} is the most`);
  console.log(
    `outage, ${nodes} node(s): ${result.acknowledged} appends acknowledged, each there once; ${result.givenUp} given up, ${result.storedUnheard} of them there, once; none by half; the longest took ${result.longestMs} of ${appendWithinMs} ms; ${JSON.stringify(result.struck)}`,
  );
}

const runs = Number(values.nodes);
if (runs > 0) {
  const result = await crashNodes({ runs, kills: 20, seed, maxPauseMs: 4_000, on: values.on });
  console.log(
    `nodes, SIGKILL: ${result.runs} runs on two processes, ${result.kills} kills of one of them, ${result.takenOver} takeovers; each run was executed once, ${result.byNode.join(' and ')} ended at either; none is open`,
  );
}

if (Number(values.copy) > 0) {
  const copied = await crashCopy({ events: Number(values.copy), kills: 10, seed, through: values.through });
  console.log(
    `copy, SIGKILL: ${copied.events} events in ${copied.streams} streams there and back, ${copied.kills} kills, ${copied.seconds} s; the log that came back is the one that went, root ${copied.root}`,
  );
}

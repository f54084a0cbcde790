/** `npm run crash -- --points 200 --seed 1`: kills writers at random moments and checks what is left. */
import { parseArgs } from 'node:util';
import { crashLog } from './log-crash.ts';

const { values } = parseArgs({
  options: {
    points: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(Date.now() % 1e6) },
  },
});
const seed = Number(values.seed);
console.log(`log: ${values.points} crash points, seed ${seed}`);
const { points, acks, events } = await crashLog(Number(values.points), seed);
console.log(
  `log: ${points} crashes, ${acks} acknowledged appends, ${events} events, nothing lost, no half batch`,
);

import { parseArgs } from 'node:util';
import { bundledPolicy } from '../../src/safety/bundled-policy.ts';
import { compileFilter } from '../../src/safety/term-filter.ts';
import { adversarial } from '../safety/adversarial.ts';
import { median } from './measure.ts';

/** In thousands of UTF-16 units. */
const sizes = [10, 30, 100, 300, 1_000] as const;
const per = 100;

/**
 * `filter [--repetitions 5] [--only NAME]`: the term filter over adversarial texts from 10 kB to 1 MB. Linear means that
 * 100 kB take the same time in a short text and in a long one: the last column is the slowest over the fastest.
 */
export async function filter(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      repetitions: { type: 'string', default: '5' },
      only: { type: 'string', default: '' },
    },
  });
  const { scan } = compileFilter(bundledPolicy.lists);
  const lists = new Set(bundledPolicy.lists.map(({ id }) => id));
  const figures = (textOf: (size: number) => string): readonly number[] => {
    const texts = sizes.map((size) => textOf(size * 1_000));
    const millisecondsPer = texts.map((): number[] => []);
    // Sizes in turns, so that what else the machine does hits all alike; the first round warms up.
    for (let round = 0; round <= Number(values.repetitions); round += 1) {
      for (const [index, size] of sizes.entries()) {
        const text = texts[index] ?? '';
        const times = Math.max(1, per / size);
        const started = performance.now();
        for (let time = 0; time < times; time += 1) scan(text, lists);
        const spent = performance.now() - started;
        if (round > 0) millisecondsPer[index]?.push((spent * per) / (size * times));
      }
    }
    return millisecondsPer.map(median);
  };
  console.log(`\nThe term filter: milliseconds per ${per} kB of text, by the size of the text`);
  console.log(lineOf('', [...sizes.map((size) => `${size} kB`), 'slowest / fastest']));
  let worst = 0;
  for (const [name, textOf] of Object.entries(adversarial)) {
    if (!name.includes(values.only)) continue;
    const row = figures(textOf);
    const ratio = Math.max(...row) / Math.min(...row);
    worst = Math.max(worst, ratio);
    console.log(lineOf(name, [...row.map((one) => one.toFixed(1)), `${ratio.toFixed(2)} ×`]));
  }
  console.log(`\nworst ratio ${worst.toFixed(2)} ×`);
}

const lineOf = (name: string, cells: readonly string[]): string =>
  [name.padEnd(32), ...cells.map((cell) => cell.padStart(9))].join(' ');

import { parseArgs } from 'node:util';

export type Options = {
  readonly repetitions: number;
  /** Multiplies how much each repetition does. */
  readonly scale: number;
  /** Only cases whose name contains this. */
  readonly only: string;
};

export function optionsOf(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      repetitions: { type: 'string', default: '5' },
      scale: { type: 'string', default: '1' },
      only: { type: 'string', default: '' },
    },
  });
  return { repetitions: Number(values.repetitions), scale: Number(values.scale), only: values.only };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/**
 * Runs the contenders in turns, so that what else the machine does hits all alike, after one round that does not count.
 * Returns the median of each.
 */
export async function interleaved(
  repetitions: number,
  contenders: readonly (() => Promise<number>)[],
): Promise<number[]> {
  const figures = contenders.map((): number[] => []);
  for (let round = 0; round <= repetitions; round++) {
    for (const [index, measure] of contenders.entries()) {
      const figure = await measure();
      if (round > 0) figures[index]?.push(figure);
    }
  }
  return figures.map(median);
}

export type Row = readonly [what: string, baseline: string, ours: string, ratio: string, reachFirst: string];

export function printTable(title: string, rows: readonly Row[]): void {
  const table: Row[] = [['what', 'baseline', 'ours', 'ratio', 'reach first'], ...rows];
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  console.log(`\n${title}`);
  for (const row of table) {
    const cells = row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
    );
    console.log(cells.join('  '));
  }
}

export const perSecond = (figure: number) => `${Math.round(figure).toLocaleString('en')}/s`;
export const times = (ratio: number) => `${ratio.toFixed(2)} ×`;

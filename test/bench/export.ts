import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ExportFigures } from './export-process.ts';
import { exportRows } from './export-rows.ts';
import { renderSettings } from '../../src/service/renderer.ts';
import { median, optionsOf } from './measure.ts';

const run = promisify(execFile);
type Contender = 'ours' | 'baseline' | 'service';

/**
 * `export [--repetitions 5] [--only NAME]`: one run as a file, by format and number of items. Every figure is measured in
 * a process of its own, ours and the baseline in turns; medians.
 */
export async function exports(args: readonly string[]): Promise<void> {
  const { repetitions, only } = optionsOf(args);
  console.log('\nExports: medians; MiB is the peak beyond what the process had before');
  console.log(
    lineOf('', ['ms', 'MiB', 'resident, MiB', 'longest block, ms', 'file, MB', '× time', '× memory']),
  );
  for (const [index, { items, exporter, baseline }] of exportRows.entries()) {
    const name = `${exporter.format}, ${items.toLocaleString('en')} items`;
    if (!name.includes(only)) continue;
    const contenders: readonly Contender[] = [
      ...(baseline === undefined ? [] : (['baseline'] as const)),
      'ours',
      ...(exporter.isHeavy ? (['service'] as const) : []),
    ];
    const measured = new Map(contenders.map((contender): [Contender, ExportFigures[]] => [contender, []]));
    for (let round = 0; round < repetitions; round += 1) {
      for (const [contender, figures] of measured)
        figures.push(await measure(index, contender, exporter.isHeavy));
    }
    const theirs = measured.get('baseline');
    if (theirs !== undefined) console.log(lineOf(`${name}, baseline`, cellsOf(theirs)));
    console.log(lineOf(name, cellsOf(measured.get('ours') ?? [], theirs)));
    const service = measured.get('service');
    if (service !== undefined) console.log(lineOf(`${name}, the service`, cellsOf(service)));
  }
}

async function measure(index: number, contender: Contender, isHeavy: boolean): Promise<ExportFigures> {
  // A heavy exporter has the settings of a render process.
  const alike = isHeavy && contender === 'ours' ? renderSettings : { execArgv: [], env: {} };
  const script = join(import.meta.dirname, 'export-process.js');
  const { stdout } = await run(process.execPath, [...alike.execArgv, script, String(index), contender], {
    env: { ...process.env, ...alike.env },
  });
  return JSON.parse(stdout) as ExportFigures;
}

function cellsOf(ours: readonly ExportFigures[], theirs?: readonly ExportFigures[]): readonly string[] {
  const of = (figures: readonly ExportFigures[], name: keyof ExportFigures): number =>
    median(figures.map((one) => one[name]));
  const ratio = (name: keyof ExportFigures): string =>
    theirs === undefined ? '' : `${(of(ours, name) / of(theirs, name)).toFixed(2)} ×`;
  return [
    of(ours, 'milliseconds').toFixed(1),
    of(ours, 'peakMebibytes').toFixed(1),
    of(ours, 'residentMebibytes').toFixed(1),
    of(ours, 'longestBlock').toFixed(1),
    (of(ours, 'bytes') / 1e6).toFixed(2),
    ratio('milliseconds'),
    ratio('peakMebibytes'),
  ];
}

const lineOf = (name: string, cells: readonly string[]): string =>
  [name.padEnd(30), ...cells.map((cell) => cell.padStart(17))].join(' ');

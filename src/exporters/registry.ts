import type { Exporter } from './contract.ts';
import { jsonExporter } from './json.ts';
import { xmlExporter } from './xml.ts';
import { zipExporter } from './zip.ts';

/** Each tells a run in one way; the zip holds them all. */
const single: readonly Exporter[] = [jsonExporter, xmlExporter];

/** Every format that has a name; one without an exporter is promised, and answers 501 until it exists. */
export const formats: ReadonlyMap<string, Exporter | null> = new Map<string, Exporter | null>([
  ...single.map((exporter) => [exporter.format, exporter] as const),
  ['pdf', null],
  ['docx', null],
  ['zip', zipExporter(single)],
  ['audit', null],
]);

export const availableFormats: readonly string[] = [...formats]
  .filter(([, exporter]) => exporter)
  .map(([name]) => name);

/** The exporter of a format; undefined where there is none (yet). */
export function exporterFor(format: string): Exporter | undefined {
  return formats.get(format) ?? undefined;
}

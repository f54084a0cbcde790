import type { Exporter } from './contract.ts';
import { docxExporter } from './docx.ts';
import { jsonExporter } from './json.ts';
import { xmlExporter } from './xml.ts';
import { zipExporter } from './zip.ts';

/** Every format that has a name; one without an exporter is promised, and answers 501 until it exists. */
export const formats: ReadonlyMap<string, Exporter | null> = new Map<string, Exporter | null>([
  ['json', jsonExporter],
  ['xml', xmlExporter],
  ['pdf', null],
  ['docx', docxExporter],
  ['zip', zipExporter([jsonExporter, xmlExporter, docxExporter])],
  ['audit', null],
]);

export const availableFormats: readonly string[] = [...formats]
  .filter(([, exporter]) => exporter)
  .map(([name]) => name);

/** The exporter of a format; undefined where there is none (yet). */
export function exporterFor(format: string): Exporter | undefined {
  return formats.get(format) ?? undefined;
}

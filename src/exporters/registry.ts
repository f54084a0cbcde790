import type { Exporter } from './contract.ts';
import { jsonExporter } from './json.ts';
import { pdfExporter } from './pdf.ts';

/** Every format that has a name; those without an exporter are promised, and answer 501 until they exist. */
export const formats: ReadonlyMap<string, Exporter | null> = new Map<string, Exporter | null>([
  ['json', jsonExporter],
  ['xml', null],
  ['pdf', pdfExporter],
  ['docx', null],
  ['zip', null],
  ['audit', null],
]);

export const availableFormats: readonly string[] = [...formats]
  .filter(([, exporter]) => exporter)
  .map(([name]) => name);

/** The exporter of a format; undefined where there is none (yet). */
export function exporterFor(format: string): Exporter | undefined {
  return formats.get(format) ?? undefined;
}

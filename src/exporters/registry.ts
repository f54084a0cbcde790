import { auditExporter } from './audit.ts';
import type { Exporter } from './contract.ts';
import { docxExporter } from './docx.ts';
import { jsonExporter } from './json.ts';
import { pdfExporter } from './pdf.ts';
import { xmlExporter } from './xml.ts';
import { zipExporter } from './zip.ts';

/** Each tells a run in one way; the zip holds them all. */
const single: readonly Exporter[] = [jsonExporter, xmlExporter, pdfExporter, docxExporter];

export const formats: ReadonlyMap<string, Exporter> = new Map(
  [...single, zipExporter(single), auditExporter].map((exporter) => [exporter.format, exporter]),
);

export const formatNames: readonly string[] = [...formats.keys()];

import type { Localized } from '../events/localized.ts';

/** What a stranger can check a run by (docs/verify.md), or why there is nothing. An export never lacks it in silence. */
export type Evidence =
  | { readonly kind: 'bundle'; readonly bytes: Uint8Array }
  | { readonly kind: 'none'; readonly why: EvidenceLack };

/** `unsigned`: nobody signed a checkpoint that covers the run in time; `stopped`: the read model of the ledger has. */
export const evidenceLacks = ['unsigned', 'stopped'] as const;
export type EvidenceLack = (typeof evidenceLacks)[number];

/** Why there is none, for whoever reads the export. */
export const lackWords: Readonly<Record<EvidenceLack, Localized>> = {
  unsigned: {
    en: 'none in this file: no signed checkpoint covered the run when it was exported',
    de: 'keiner in dieser Datei: Beim Export deckte kein unterschriebener Prüfpunkt den Lauf ab',
  },
  stopped: {
    en: 'none in this file: the ledger could not be read when the run was exported',
    de: 'keiner in dieser Datei: Beim Export war das Journal nicht lesbar',
  },
};

/** What a bundle ends with as a file, and as a member of others. */
export const bundleExtension = 'audit.json';

/** The name of the bundle as a file of its own, and as an attachment. */
export const evidenceFileName = (executionId: string): string => `${executionId}.${bundleExtension}`;

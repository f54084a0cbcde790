import { timeOf } from '../events/time.ts';

/** `exec_YYYYMMDD_HHMMSS_<8 hex>` in UTC. `random` are four bytes. */
export const newExecutionId = (epochMs: number, random: Uint8Array): string =>
  `exec_${stampOf(epochMs, random)}`;

/** `export_YYYYMMDD_HHMMSS_<8 hex>` in UTC. `random` are four bytes. */
export const newExportId = (epochMs: number, random: Uint8Array): string =>
  `export_${stampOf(epochMs, random)}`;

/** `replay_YYYYMMDD_HHMMSS_<8 hex>` in UTC. `random` are four bytes. */
export const newReplayId = (epochMs: number, random: Uint8Array): string =>
  `replay_${stampOf(epochMs, random)}`;

function stampOf(epochMs: number, random: Uint8Array): string {
  const digits = timeOf(epochMs).replaceAll(/[-:]/g, '');
  return `${digits.slice(0, 8)}_${digits.slice(9, 15)}_${Buffer.from(random).toString('hex')}`;
}

import { canonicalBytes } from '../events/canonical.ts';
import { eventHash } from '../events/digest.ts';
import type { ProvenCore } from './proven-core.ts';
export const ledgerStream = 'ledger';
export const headHash = ({ run, seq, head }: { run: string; seq: number; head: Uint8Array }): Buffer =>
  eventHash(canonicalBytes({ run, seq, head: Buffer.from(head).toString('base64') }));
export function headsIn({ facts }: ProvenCore): { size: number; root: Buffer } | undefined {
  const { heads_root: root, heads_size: size } = facts;
  return typeof root === 'string' && Number.isSafeInteger(size)
    ? { size: size as number, root: Buffer.from(root, 'hex') }
    : undefined;
}

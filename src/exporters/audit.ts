import { LedgerError } from '../errors.ts';
import type { Exporter } from './contract.ts';

/**
 * The evidence bundle by itself: the very bytes that the other formats hold. A view leaves out the payloads of items that it
 * does not show; their events stand there all the same. Throws EVIDENCE_UNAVAILABLE.
 */
export const auditExporter: Exporter = {
  format: 'audit',
  mime: 'application/json; charset=utf-8',
  extension: 'audit.json',
  choices: ['view', 'include'],
  isHeavy: false,
  async *export({ evidence, header }, signal) {
    signal.throwIfAborted();
    const found = await evidence(signal);
    signal.throwIfAborted();
    if (found.kind === 'none')
      throw new LedgerError('EVIDENCE_UNAVAILABLE', {
        execution_id: header.execution_id,
        what: found.why === 'unsigned' ? 'no signed checkpoint covers it yet' : 'the ledger cannot be read',
      });
    yield found.bytes;
  },
};

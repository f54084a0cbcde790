import { type KnownRequest, requestsTable } from '../../projections/requests.ts';
import type { Projector } from '../projector/projector.ts';

/** What an Idempotency-Key (its HMAC) started; undefined for a key that was never used. */
export const readRequest = (projector: Projector, requestKey: string): KnownRequest | undefined =>
  projector.reader('requests').get(requestsTable, requestKey);

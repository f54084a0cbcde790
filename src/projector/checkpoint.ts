import { z } from 'zod';

/**
 * How far a projection is, stored in the transaction of the rows it speaks of: after any crash both are of the same
 * moment, so that every event takes effect exactly once.
 */
export const checkpointSchema = z.strictObject({
  storeId: z.string(),
  version: z.string(),
  /** Names the tables, so that a rebuilt projection can stand beside the one that serves. */
  generation: z.int().min(1),
  /** The last event in it; null before the first. The id tells a log that was cut and grew again. */
  last: z.strictObject({ position: z.string(), eventId: z.string() }).nullable(),
  /** How many events of the log are up to here, wanted or not. */
  events: z.int().min(0),
});
export type Checkpoint = z.infer<typeof checkpointSchema>;

/** The one that serves, and the one that is being built beside it. */
export type Role = 'live' | 'building';

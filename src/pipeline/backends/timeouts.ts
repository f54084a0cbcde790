/**
 * How long one call may wait, in milliseconds. A call lasts at most `connectMs` + `firstByteMs` + `totalMs`: the total
 * counts from the first byte of the answer, since a local model may be loaded for minutes before it says anything.
 */
export type Timeouts = {
  /** Until the connection stands, its name looked up and its encryption agreed; kept to within a second. */
  readonly connectMs: number;
  /** From the connection to the first byte of the answer's body; the request is sent in this time too. */
  readonly firstByteMs: number;
  /** Between two pieces of the answer. */
  readonly idleMs: number;
  /** From the first byte of the answer to its end. */
  readonly totalMs: number;
};

/** Is the model in the house, where it may have to be loaded first, or at a provider's? */
export type Place = 'local' | 'remote';

const untilFirstByteMs = { local: 300_000, remote: 60_000 } as const;
const inTotalMs = { text: 180_000, image: 600_000, video: 1_800_000 } as const;

/** What a call may take where the configuration says nothing else. */
export const defaultTimeouts = (place: Place, medium: keyof typeof inTotalMs): Timeouts => ({
  connectMs: 5_000,
  firstByteMs: untilFirstByteMs[place],
  idleMs: 60_000,
  totalMs: inTotalMs[medium],
});

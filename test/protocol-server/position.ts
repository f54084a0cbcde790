const stride = 1000;

/**
 * Where the server says that an event stands in $all. Grows with the ordinal and leaves gaps of no fixed width, as
 * positions in a real transaction log do, so that nobody can count on +1.
 */
export function positionOf(ordinal: number): number {
  return ordinal * stride + ((ordinal * 37) % 500);
}

/** The first ordinal whose position is not before this one. */
export function ordinalFrom(position: number): number {
  const guess = Math.floor(position / stride);
  return Math.max(1, position > positionOf(guess) ? guess + 1 : guess);
}

/** The first ordinal whose position is behind this one. */
export function ordinalAfter(position: number): number {
  return ordinalFrom(position + 1);
}

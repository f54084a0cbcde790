/** One holder at a time, in the order of asking. Resolves to the release, which must be called exactly once. */
export type Lock = () => Promise<() => void>;

export function createLock(): Lock {
  let last: Promise<void> = Promise.resolve();
  return async () => {
    const before = last;
    let release = (): void => {};
    last = new Promise<void>((resolve) => (release = resolve));
    await before;
    return release;
  };
}

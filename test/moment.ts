/** Something that a test waits for, or lets others wait for. */
export type Moment = { readonly come: Promise<void>; readonly arrive: () => void };

export function moment(): Moment {
  let arrive = (): void => undefined;
  const come = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  return { come, arrive };
}

import type { Config } from '../config.ts';
import { openParts } from '../service/parts.ts';
import { exitCodes } from './exit-codes.ts';
import { print } from './output.ts';

/** `runledger rebuild [NAME…]`: takes the writer's lock, so a running service is refused by name. */
export async function rebuildProjections(
  config: Config,
  names: readonly string[],
  json: boolean,
): Promise<number> {
  const { projector, close } = await openParts(config);
  try {
    await projector.rebuild(names.length === 0 ? undefined : names);
    const rebuilt = projector.status().map(({ name, state, events }) => ({ name, state, events }));
    if (json) print(JSON.stringify({ projections: rebuilt }));
    else for (const { name, state, events } of rebuilt) print(`${name}: ${state}, ${events} events`);
  } finally {
    await close();
  }
  return exitCodes.done;
}

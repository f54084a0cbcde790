import type { Stage } from './plan.ts';

/** Ends a call of the orchestrator between two steps; the run goes on from its stream when it is resumed. */
export class Paused extends Error {
  constructor() {
    super('the run is paused');
    this.name = 'Paused';
  }
}

/** To be passed before every step and before the run's end. Throws Paused, or the signal's reason once aborted. */
export function takeTurn({ ports, signal }: Pick<Stage, 'ports' | 'signal'>): void {
  signal.throwIfAborted();
  if (!ports.mayBegin()) throw new Paused();
}

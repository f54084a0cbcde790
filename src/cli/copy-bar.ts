import { Presets, SingleBar } from 'cli-progress';
import type { CopyProgress } from '../service/copy-log.ts';
import { complain } from './output.ts';

export type CopyBar = {
  readonly show: (progress: CopyProgress) => void;
  /** How far it is, in words; empty before the first event. */
  readonly told: () => string;
  readonly stop: () => void;
};

/** Events between two lines: at least, and where it is not known how many there are. */
const [leastLineEvery, lineEvery] = [1_000, 10_000];

/** On a terminal a bar for each step; elsewhere, or where the end is not known, a line whenever another tenth is done. */
export function copyBarOf(total: number | undefined): CopyBar {
  const bar = new SingleBar(
    { stream: process.stderr, format: '{step} {bar} {value}/{total} events', clearOnComplete: true },
    Presets.shades_classic,
  );
  const every = total === undefined ? lineEvery : Math.max(leastLineEvery, Math.ceil(total / 10));
  let last: CopyProgress | undefined;
  const told = (): string => {
    if (last === undefined) return '';
    return `${last.step} ${last.events}${total === undefined ? '' : ` of ${total}`} events`;
  };
  return {
    told,
    show: (progress) => {
      const before = last?.step === progress.step ? last.events : 0;
      const isNewStep = last?.step !== progress.step;
      last = progress;
      if (total !== undefined && process.stderr.isTTY) {
        if (isNewStep) bar.stop();
        if (!bar.isActive) bar.start(total, progress.events, { step: progress.step });
        else bar.update(progress.events);
      } else if (Math.floor(progress.events / every) > Math.floor(before / every)) complain(told());
    },
    stop: () => bar.stop(),
  };
}

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { readConfig } from '../../src/config.ts';
import type { EventStore } from '../../src/event-store/port.ts';
import { createApp } from '../../src/http/app.ts';
import { loadProjections } from '../../src/projector/loader.ts';
import { openProjector } from '../../src/projector/projector.ts';
import type { Waited } from '../../src/projector/progress.ts';
import { assembleLedger, type Ledger } from '../../src/service/assemble.ts';
import { openParts } from '../../src/service/parts.ts';
import { settingsOf } from '../store-under-test.ts';

/** A whole service whose read models can be kept from what is appended. */
export type HeldService = {
  readonly url: string;
  readonly ledger: Ledger;
  /** From now on the read models get nothing of the log. */
  readonly hold: () => void;
  readonly release: () => void;
  /** Resolves once the next read waits, with what its waiting will come to. */
  readonly nextWait: () => Promise<{ readonly waited: Promise<Waited> }>;
  /** From now on the store says of its end what this does; without one, what is true. */
  readonly answerHeadBy: (head?: EventStore['head']) => void;
  /** Stops taking requests and ends those that wait. */
  readonly stop: () => Promise<void>;
  readonly close: () => Promise<void>;
};

export async function startHeldService(): Promise<HeldService> {
  const directory = await mkdtemp(join(tmpdir(), 'runledger-held-'));
  const config = readConfig(settingsOf(directory));
  const log = pino({ level: 'silent' });
  const parts = await openParts(config);
  const gate = openGate();
  const trueHead: EventStore['head'] = () => parts.store.head();
  let head = trueHead;
  const store: EventStore = {
    ...parts.store,
    head: () => head(),
    async *subscribeAll(options) {
      for await (const delivery of parts.store.subscribeAll(options)) {
        await gate.opened();
        yield delivery;
      }
    },
  };
  const projector = await openProjector({
    directory: join(directory, 'held-projections'),
    store,
    projections: await loadProjections({ timeZone: 'UTC' }),
    keyOf: parts.keys.keyOf,
    now: Date.now,
  });
  type Wait = { readonly waited: Promise<Waited> };
  let onWait: ((wait: Wait) => void) | undefined;
  const ledger = await assembleLedger({
    ...parts,
    store,
    projector: {
      ...projector,
      waitFor: (...what) => {
        const waited = projector.waitFor(...what);
        onWait?.({ waited });
        return waited;
      },
    },
    config,
    log,
    executes: false,
  });
  const app = await createApp(ledger.service, log);
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return {
    url,
    ledger,
    hold: gate.shut,
    release: gate.open,
    nextWait: () => new Promise((resolve) => (onWait = resolve)),
    answerHeadBy: (other = trueHead) => (head = other),
    stop: () => app.close(),
    close: async () => {
      gate.open();
      await app.close();
      await projector.close();
      await ledger.close(0);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function openGate() {
  let shut: { readonly opened: Promise<void>; readonly open: () => void } | undefined;
  return {
    opened: async () => shut?.opened,
    open: () => {
      shut?.open();
      shut = undefined;
    },
    shut: () => {
      if (shut !== undefined) return;
      let open = (): void => {};
      const opened = new Promise<void>((resolve) => (open = resolve));
      shut = { opened, open };
    },
  };
}

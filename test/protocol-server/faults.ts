import type { Endpoint } from './refusal.ts';

export type Method = 'append' | 'read' | 'subscribe' | 'gossip' | 'features';

/** What goes wrong with a call. Events are counted from the beginning of the call. */
export type Fault =
  /** No answer, and nothing was done. */
  | { readonly kind: 'hang' }
  | { readonly kind: 'hangAfterStoring' }
  /** The connection of the call is destroyed, with everything else on it. */
  | { readonly kind: 'drop' }
  | { readonly kind: 'dropAfterStoring' }
  | { readonly kind: 'unavailable' }
  | {
      readonly kind: 'notLeader';
      readonly leader: Endpoint;
      /** Only calls that say requires-leader; others pass and do not count. */
      readonly onlyWhereRequired?: boolean;
    }
  /**
   * What a real server says that knows of no leader: an unknown error. (`not-leader` without an endpoint, which none
   * sends, is an uncaught exception in the client: no test could outlive it.)
   */
  | { readonly kind: 'noLeaderInfo' }
  | { readonly kind: 'deny' }
  /** Stored, and the answer says nothing of its position. */
  | { readonly kind: 'ackWithoutPosition' }
  /** The server has forgotten the ids of earlier appends: a retry is told WrongExpectedVersion. */
  | { readonly kind: 'forgetful' }
  /** Every answer is late; each message of a read or subscription. */
  | { readonly kind: 'slow'; readonly delayMs: () => number }
  /** OK, as if that were all. */
  | { readonly kind: 'endAfter'; readonly events: number }
  | { readonly kind: 'errorAfter'; readonly events: number }
  /** The call stays open, and nothing more comes. */
  | { readonly kind: 'silentAfter'; readonly events: number }
  | { readonly kind: 'cutAfter'; readonly events: number };

const anyMethod: readonly Fault['kind'][] = [
  'hang',
  'drop',
  'unavailable',
  'notLeader',
  'noLeaderInfo',
  'deny',
  'slow',
];
const ofReading: readonly Fault['kind'][] = ['endAfter', 'errorAfter', 'silentAfter', 'cutAfter'];
const ofAppends: readonly Fault['kind'][] = [
  'hangAfterStoring',
  'dropAfterStoring',
  'ackWithoutPosition',
  'forgetful',
];
const fits: Readonly<Record<Method, readonly Fault['kind'][]>> = {
  append: [...anyMethod, ...ofAppends],
  read: [...anyMethod, ...ofReading],
  subscribe: [...anyMethod, ...ofReading],
  gossip: anyMethod,
  features: anyMethod,
};

/** A fault that was put in, to wait for it and to take it out. */
export type Injected = {
  /** Resolves when the fault has struck this many times; default once. */
  readonly struck: (times?: number) => Promise<void>;
  /** How often it has struck. */
  readonly strikes: () => number;
  /** No further call; those it has hold of stay as they are. */
  readonly lift: () => void;
};

/** A fault that has hold of one call; `strike` says that it has happened. */
export type Strike = { readonly fault: Fault; readonly strike: () => void };

export type Faults = {
  /** For the next `times` calls of a method, default all until it is lifted. Later ones wait for earlier ones to be used up. */
  readonly inject: (method: Method, fault: Fault, times?: number) => Injected;
  readonly liftAll: () => void;
};

/** Chooses a fault for a call that no injected one has hold of. */
export type Chooser = (method: Method) => Strike | null;

/** `claim` is the server's side: the fault of a call that begins now. */
export type FaultRegistry = Faults & {
  readonly claim: (method: Method, requiresLeader: boolean) => Strike | null;
  readonly choose: (chooser: Chooser | null) => void;
};

type Entry = { readonly method: Method; readonly fault: Fault; left: number; readonly strike: () => void };

export function createFaults(): FaultRegistry {
  const entries: Entry[] = [];
  let chooser: Chooser | null = null;
  const remove = (entry: Entry) => {
    const index = entries.indexOf(entry);
    if (index !== -1) entries.splice(index, 1);
  };
  return {
    inject: (method, fault, times = Infinity) => {
      if (!fits[method].includes(fault.kind)) throw new Error(`${method} has no fault ${fault.kind}`);
      const { strike, struck, strikes } = createTally();
      const entry = { method, fault, left: times, strike };
      entries.push(entry);
      return { struck, strikes, lift: () => remove(entry) };
    },
    liftAll: () => {
      entries.length = 0;
      chooser = null;
    },
    choose: (next) => {
      chooser = next;
    },
    claim: (method, requiresLeader) => {
      const entry = entries.find(
        ({ method: of, fault }) =>
          of === method &&
          !(fault.kind === 'notLeader' && fault.onlyWhereRequired === true && !requiresLeader),
      );
      if (entry === undefined) return chooser?.(method) ?? null;
      entry.left -= 1;
      if (entry.left === 0) remove(entry);
      return entry;
    },
  };
}

function createTally() {
  let count = 0;
  let waiting: { readonly times: number; readonly resolve: () => void }[] = [];
  return {
    strikes: () => count,
    strike: () => {
      count += 1;
      for (const { times, resolve } of waiting) if (times <= count) resolve();
      waiting = waiting.filter(({ times }) => times > count);
    },
    struck: (times = 1) =>
      new Promise<void>((resolve) => {
        if (count >= times) resolve();
        else waiting.push({ times, resolve });
      }),
  };
}

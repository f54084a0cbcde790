import { setImmediate as nextTurn } from 'node:timers/promises';
import type { HttpCall } from '../../../src/pipeline/backends/http-contract.ts';
import { defaultTimeouts } from '../../../src/pipeline/backends/timeouts.ts';
import { type PlainAnswer, type ScriptedServer, startScripted, type Turn } from './scripted-server.ts';

/** An answer, or what is done instead of one. */
export type Act = PlainAnswer | ((turn: Turn) => Promise<void>);

/** A server of no protocol, for the transport's own tests; without a script it answers `{"made":true}`. */
export const startActing = (): Promise<ScriptedServer<Act>> =>
  startScripted<Act>(async (_, turn, nextFault) => {
    const act = nextFault();
    if (act === 'none') return turn.plain({ status: 200, body: '{"made":true}' });
    return typeof act === 'function' ? act(turn) : turn.plain(act);
  });

/** With characters that JSON writes otherwise. */
export const secretKey = 'sk-secret-"0815';

export const callTo = (server: ScriptedServer<Act>, overrides: Partial<HttpCall> = {}): HttpCall => ({
  backend: 'example',
  url: `${server.url}/work?kind=a`,
  timeouts: defaultTimeouts('local', 'text'),
  maxAnswerBytes: 1_000_000,
  apiKey: secretKey,
  ...overrides,
});

/** Clocks that are shorter than the usual ones. */
export const within = (timeouts: Partial<HttpCall['timeouts']>): Pick<HttpCall, 'timeouts'> => ({
  timeouts: { ...defaultTimeouts('local', 'text'), ...timeouts },
});

/** Sends the head and a piece, then does what it is told. */
export const afterOnePiece =
  (then: (turn: Turn) => Promise<void> | void, status = 200) =>
  async (turn: Turn): Promise<void> => {
    turn.response.writeHead(status);
    await turn.write(['a piece']);
    await then(turn);
  };

/** Writes for as long as somebody reads. */
export const endless = async ({ response, write }: Turn): Promise<void> => {
  while (!response.destroyed) {
    await write(['again and '.repeat(1_000)]);
    await nextTurn();
  }
};

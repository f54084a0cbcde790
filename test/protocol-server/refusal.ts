import { Metadata, type StatusObject, status } from '@grpc/grpc-js';

/** A status other than OK, with the trailers by which the client knows what it means. */
export class Refusal extends Error {
  readonly code: StatusObject['code'];
  readonly details: string;
  readonly metadata: Metadata;

  constructor(code: StatusObject['code'], details: string, trailers: Readonly<Record<string, string>> = {}) {
    super(details);
    this.name = 'Refusal';
    this.code = code;
    this.details = details;
    this.metadata = Metadata.fromHttp2Headers(trailers);
  }
}

export type Endpoint = { readonly host: string; readonly port: number };

/** The words, codes and trailers of a real server. */
export const refusals = {
  notReady: () => new Refusal(status.UNAVAILABLE, 'Server Is Not Ready'),
  stopping: () => new Refusal(status.UNAVAILABLE, 'Server is shutting down'),
  noLeaderInfo: () => new Refusal(status.UNKNOWN, 'No leader info available in response'),
  notLeader: (leader: Endpoint) =>
    new Refusal(status.NOT_FOUND, 'Leader info available', {
      exception: 'not-leader',
      'leader-endpoint-host': leader.host,
      'leader-endpoint-port': String(leader.port),
    }),
  unauthenticated: () => new Refusal(status.UNAUTHENTICATED, 'Unauthenticated'),
  accessDenied: () => new Refusal(status.PERMISSION_DENIED, 'Access Denied', { exception: 'access-denied' }),
  tooLarge: (limitBytes: number) =>
    new Refusal(status.INVALID_ARGUMENT, `Maximum Append Size of ${limitBytes} Exceeded.`, {
      exception: 'maximum-append-size-exceeded',
      'maximum-append-size': String(limitBytes),
    }),
  invalid: (what: string) => new Refusal(status.INVALID_ARGUMENT, what),
  /** What this double cannot do and a real server can. */
  beyond: (what: string) =>
    new Refusal(status.UNIMPLEMENTED, `The protocol server (a test double) has no ${what}`),
};

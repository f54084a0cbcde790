import { LedgerError } from '../../errors.ts';

/** How the streams of a ledger are called on a server that may hold other ledgers, and other things, too. */
export type Names = {
  readonly toServer: (stream: string) => string;
  /** Undefined for a stream of somebody else, and for the server's own. */
  readonly ofServer: (stream: string) => string | undefined;
  /** Which streams the server shall tell us of; a .NET regular expression. */
  readonly filter: string;
  /** No event ever stands in it: its metadata say which log this is. */
  readonly identity: string;
};

const mark = 'ledger:';

/** The names of the ledger that a server has by default (null), or of a named one beside others. */
export function namesOf(ledger: string | null): Names {
  if (ledger === null) {
    return {
      toServer: (stream) => {
        if (!stream.startsWith(mark)) return stream;
        const what = `Stream name ${JSON.stringify(stream)}`;
        throw new LedgerError('INVALID_APPEND', { what, cure: `send one that does not begin with ${mark}` });
      },
      ofServer: (stream) => (stream.startsWith('$') || stream.startsWith(mark) ? undefined : stream),
      filter: `^(?!\\$|${mark})`,
      identity: 'runledger',
    };
  }
  const prefix = `${mark}${ledger}/`;
  return {
    toServer: (stream) => `${prefix}${stream}`,
    ofServer: (stream) => (stream.startsWith(prefix) ? stream.slice(prefix.length) : undefined),
    filter: `^${prefix}`,
    identity: `${prefix}runledger`,
  };
}

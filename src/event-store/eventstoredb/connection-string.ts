import { LedgerError } from '../../errors.ts';

/** Where a server or cluster is, as a connection string says it, without anything that only the adapter decides. */
export type Address = {
  /** For the client: with the user, and with our own choice of node. */
  readonly forLeader: string;
  readonly forReading: string;
  /** The same for one node, which another one has named as the leader. */
  readonly ofNode: (host: string, port: number) => string;
  /** Sent with every append: it is what makes the client use the call that has deadlines and tells errors. */
  readonly credentials: { readonly username: string; readonly password: string };
  /** A ledger beside others on the same server; null for the one that a server has by default. */
  readonly ledger: string | null;
  /** For people: hosts without the user. */
  readonly shown: string;
};

const form = /^(esdb(?:\+discover)?):\/\/(?:([^:@/?]+):([^@/?]+)@)?([^@/?]+?)\/*(?:\?(.*))?$/;
const hosts = /^[^\s,:]+(:\d{1,5})?(,[^\s,:]+(:\d{1,5})?)*$/;

/** What a user may set; all else is a mistake, or belongs to the adapter. */
const known = new Map(
  'ledger tls tlsCAFile nodePreference connectionName keepAliveInterval keepAliveTimeout userCertFile userKeyFile'
    .split(' ')
    .map((name) => [name.toLowerCase(), name]),
);
/** Discovery goes on by itself as long as the adapter has patience; one round must not take longer than a call. */
const discovery = { maxDiscoverAttempts: '2', discoveryInterval: '100', gossipTimeout: '3' } as const;

/** Parses `esdb://user:password@host:port,…?key=value&…`. Throws UNKNOWN_STORE that says what is wrong, never the password. */
export function parseConnectionString(text: string): Address {
  const match = form.exec(text.trim());
  const [, protocol = '', user, password, places = '', query = ''] = match ?? [];
  const shown = `${protocol === '' ? 'esdb' : protocol}://${places}`;
  const wrong = (cure: string): LedgerError => new LedgerError('UNKNOWN_STORE', { store: shown, cure });
  if (match === null || !hosts.test(places))
    throw wrong('write esdb://USER:PASSWORD@HOST:PORT, several hosts with commas, options after a ?');
  const options = new Map<string, string>();
  for (const part of query === '' ? [] : query.split('&')) {
    const [name = '', value = ''] = part.split('=', 2);
    const option = known.get(name.toLowerCase());
    if (option === undefined || value === '')
      throw wrong(`${name} is no option that can be set: use ${[...known.values()].join(', ')}`);
    options.set(option, value);
  }
  const reading = options.get('nodePreference') ?? 'leader';
  const ledger = options.get('ledger') ?? null;
  if (ledger !== null && !/^[a-z0-9][a-z0-9-]{0,39}$/.test(ledger))
    throw wrong('name the ledger with up to 40 of the characters a to z, 0 to 9 and -');
  options.delete('nodePreference');
  options.delete('ledger');
  const compose = (scheme: string, at: string, more: Readonly<Record<string, string>>): string => {
    const parameters = [...options, ...Object.entries(more)].map(([name, value]) => `${name}=${value}`);
    const who = user === undefined ? '' : `${user}:${password}@`;
    return `${scheme}://${who}${at}?${parameters.join('&')}`;
  };
  return {
    forLeader: compose(protocol, places, { ...discovery, nodePreference: 'leader' }),
    forReading: compose(protocol, places, { ...discovery, nodePreference: reading }),
    ofNode: (host, port) => compose('esdb', `${host}:${port}`, discovery),
    credentials: {
      username: user === undefined ? 'nobody' : decoded(user, wrong),
      password: password === undefined ? 'nobody' : decoded(password, wrong),
    },
    ledger,
    shown: ledger === null ? shown : `${shown}?ledger=${ledger}`,
  };
}

function decoded(text: string, wrong: (cure: string) => LedgerError): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) throw wrong('write special characters of user and password as %XX');
    throw error;
  }
}

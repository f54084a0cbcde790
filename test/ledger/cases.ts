import { type Bundle, bundleBytes } from '../../src/ledger/bundle.ts';
import { type BundleParts, makeBundle } from '../../src/ledger/make-bundle.ts';
import { verifierKeyText } from '../../src/ledger/note-key.ts';
import type { FaultCode } from '../../src/ledger/verdict.ts';
import type { Known } from '../../src/ledger/verify.ts';
import {
  completed,
  type Drafted,
  endedBundle,
  endedLedger,
  picture,
  pictureRun,
  publish,
  smallLedger,
  testKey,
} from './small-ledger.ts';

const none: ReadonlyMap<string, string> = new Map();
export const pinned: Known = { keys: [verifierKeyText(testKey())], media: none };
const unpinned: Known = { keys: [], media: none };

export type Case = {
  readonly name: string;
  readonly status: number;
  readonly bytes: Uint8Array;
  readonly known?: Known;
  /** What the first verifier names among the faults. */
  readonly code?: FaultCode;
};

const honest = endedBundle();
const parts = (): BundleParts => endedLedger().partsOf('run-one');
const [first, second, third, last] = honest.events;
if (!first || !second || !third || !last) throw new TypeError('the run has four items');

export const runOf = (...drafts: readonly Drafted[]): Bundle => {
  const ledger = smallLedger();
  publish(ledger);
  ledger.add('run-one', ...drafts);
  return makeBundle(ledger.partsOf('run-one'));
};
const changed = (members: Partial<Bundle>): Buffer => bundleBytes({ ...honest, ...members });
const rewritten = (replace: (text: string) => string): Buffer =>
  Buffer.from(replace(bundleBytes(honest).toString()));
const withoutPayload = ({ core, index }: Bundle['events'][number]) => ({ core, index });

export const outcomes: readonly Case[] = [
  { name: 'a run that ended, with its key', status: 0, bytes: bundleBytes(honest) },
  {
    name: 'a file that is checked against one of two keys',
    status: 0,
    bytes: bundleBytes(honest),
    known: { keys: ['other', ...pinned.keys], media: none },
  },
  { name: 'a run that ended, without a key', status: 3, bytes: bundleBytes(honest), known: unpinned },
  { name: 'a run that is open', status: 4, bytes: bundleBytes(runOf(...pictureRun())) },
  {
    name: 'an import that nothing ended',
    status: 0,
    bytes: bundleBytes(runOf({ item_type: 'pipeline_start', stage: 0, actor: 'importer' })),
  },
  {
    name: 'a payload that is not there',
    status: 5,
    bytes: changed({ events: [first, withoutPayload(second), third, last] }),
  },
  {
    name: 'a policy without its text',
    status: 5,
    bytes: changed({ documents: honest.documents.map(withoutPayload) }),
  },
  {
    name: 'a run that names a policy which nobody published',
    status: 5,
    bytes: bundleBytes(
      runOf(
        {
          item_type: 'stage1_safety_check',
          stage: 1,
          metadata: { policy: { id: 'lost', version: 1, sha256: 'ab'.repeat(32) } },
        },
        completed,
      ),
    ),
  },
  {
    name: 'the medium as it was recorded',
    status: 0,
    bytes: bundleBytes(honest),
    known: { ...pinned, media: new Map([[picture, picture]]) },
  },
  { name: 'a run of 300 steps with fractions of seconds', status: 0, bytes: bundleBytes(endedBundle(300)) },
];

export const attacks: readonly Case[] = [
  {
    name: 'the first event dropped',
    status: 1,
    bytes: changed({ events: [second, third, last] }),
    code: 'broken_chain',
  },
  {
    name: 'an event in the middle dropped',
    status: 1,
    bytes: changed({ events: [first, third, last] }),
    code: 'wrong_place',
  },
  {
    name: 'an event dropped, with the right proof for the rest',
    status: 1,
    bytes: rebuilt((made) => ({ events: made.events.filter((_, at) => at !== 1) })),
    code: 'broken_chain',
  },
  { name: 'the tail cut', status: 1, bytes: changed({ events: [first, second, third] }), code: 'other_root' },
  {
    name: 'the tail cut, with the right proof for the rest',
    status: 1,
    bytes: rebuilt((made) => ({ events: made.events.slice(0, -1) })),
    code: 'wrong_heads',
  },
  {
    name: 'two events swapped',
    status: 1,
    bytes: changed({ events: [first, third, second, last] }),
    code: 'wrong_place',
  },
  {
    name: 'the leaves of two events swapped',
    status: 1,
    bytes: changed({
      events: [first, { ...second, index: third.index }, { ...third, index: second.index }, last],
    }),
    code: 'other_root',
  },
  {
    name: 'an event twice',
    status: 1,
    bytes: changed({ events: [first, second, second, third, last] }),
    code: 'wrong_place',
  },
  {
    name: 'an event of another run',
    status: 1,
    bytes: rebuilt((made) => ({
      events: [...made.events.slice(0, 2), ...otherEvents(), ...made.events.slice(2)],
    })),
    code: 'foreign_event',
  },
  {
    name: 'the events of another run under the name of this one',
    status: 1,
    bytes: rebuilt(() => ({ events: otherEvents() })),
    code: 'foreign_event',
  },
  {
    name: 'another run under its own name, with the heads of this one',
    status: 1,
    bytes: rebuilt(() => ({ run: 'run-other', events: otherEvents(), documents: [] })),
    code: 'wrong_heads',
  },
  {
    name: 'a text changed, and the run chained and rooted anew under the old signature',
    status: 1,
    bytes: resigned({ checkpoint: honest.checkpoint }),
    code: 'other_root',
  },
  {
    name: 'a text changed, and everything signed with another key',
    status: 1,
    bytes: resigned({}),
    code: 'other_key',
  },
  {
    name: 'a text changed, and everything signed with another key under the public one',
    status: 1,
    bytes: resigned({ key: honest.key }),
    code: 'bad_signature',
  },
  {
    name: 'another key alone',
    status: 1,
    bytes: bundleBytes(honest),
    known: { keys: [verifierKeyText(testKey('runledger.test/vectors', 'other'))], media: none },
    code: 'other_key',
  },
  {
    name: 'another origin',
    status: 1,
    bytes: changed({ origin: 'runledger.test/other' }),
    code: 'other_origin',
  },
  {
    name: 'another origin, rightly signed by the key of that origin',
    status: 1,
    bytes: bundleBytes(endedBundle(0, testKey('runledger.test/other'))),
    code: 'other_key',
  },
  {
    name: 'payloads of two events swapped',
    status: 1,
    bytes: changed({
      events: [{ ...first, payload: second.payload }, { ...second, payload: first.payload }, third, last],
    }),
    code: 'wrong_payload',
  },
  {
    name: 'a text of the same length in the place of another',
    status: 1,
    bytes: rewritten((text) => text.replace('Eine Blume', 'Eine Birne')),
    code: 'wrong_payload',
  },
  {
    name: 'a payload for an event that has none',
    status: 1,
    bytes: changed({ events: [first, second, third, { ...last, payload: second.payload }] }),
    code: 'wrong_payload',
  },
  {
    name: 'a document dropped, with the proof as it was',
    status: 1,
    bytes: changed({ documents: honest.documents.slice(1) }),
    code: 'other_root',
  },
  {
    name: 'a document that nothing refers to',
    status: 1,
    bytes: rebuilt((made) => ({ documents: [...made.documents, ...otherEvents().slice(0, 1)] })),
    code: 'needless_document',
  },
  {
    name: 'a policy that was published after it was used',
    status: 1,
    bytes: lateDocument(),
    code: 'late_document',
  },
  {
    name: 'a hash of the proof left out',
    status: 1,
    bytes: changed({ proof: honest.proof.slice(1) }),
    code: 'other_root',
  },
  {
    name: 'a hash of the proof too many',
    status: 1,
    bytes: changed({ proof: [...honest.proof, ...honest.proof.slice(0, 1)] }),
    code: 'other_root',
  },
  {
    name: 'an event that says it is the statement on the heads',
    status: 1,
    bytes: changed({ heads: { ...honest.heads, event: withoutPayload(last) } }),
    code: 'wrong_heads',
  },
  {
    name: 'a list of media that lacks one',
    status: 1,
    bytes: changed({ media: [] }),
    code: 'wrong_media_list',
  },
  {
    name: 'a swapped medium',
    status: 1,
    bytes: bundleBytes(honest),
    known: { ...pinned, media: new Map([[picture, 'ab'.repeat(32)]]) },
    code: 'swapped_medium',
  },
];

export const malformed: readonly Case[] = [
  { name: 'nothing', status: 2, bytes: Buffer.alloc(0) },
  { name: 'no JSON', status: 2, bytes: Buffer.from('evidence') },
  { name: 'null', status: 2, bytes: Buffer.from('null') },
  { name: 'bytes that are no UTF-8', status: 2, bytes: Buffer.from([0x22, 0xff, 0x22]) },
  {
    name: 'a byte order mark',
    status: 2,
    bytes: Buffer.concat([Buffer.from('\ufeff'), bundleBytes(honest)]),
  },
  {
    name: 'a line end at the end',
    status: 2,
    bytes: Buffer.concat([bundleBytes(honest), Buffer.from('\n')]),
  },
  {
    name: 'a blank between members',
    status: 2,
    bytes: rewritten((text) => text.replace(',"documents"', ', "documents"')),
  },
  {
    name: 'a duplicate key',
    status: 2,
    bytes: rewritten((text) => text.replace('"format"', '"format":"runledger-audit/1","format"')),
  },
  {
    name: 'a duplicate key within an event',
    status: 2,
    bytes: rewritten((text) => text.replace('"index":', '"index":0,"index":')),
  },
  { name: 'an extra member', status: 2, bytes: bundleBytes({ ...honest, note: 'x' } as Bundle) },
  {
    name: 'an extra member called __proto__',
    status: 2,
    bytes: rewritten((text) => text.replace('{"checkpoint"', '{"__proto__":{},"checkpoint"')),
  },
  {
    name: 'an extra member within an event',
    status: 2,
    bytes: changed({ events: [{ ...first, size: 1 } as typeof first, second, third, last] }),
  },
  {
    name: 'a missing member',
    status: 2,
    bytes: rewritten((text) => text.replace(/"media":\[.*?\}\],/u, '')),
  },
  {
    name: 'a later format',
    status: 2,
    bytes: rewritten((text) => text.replace('runledger-audit/1', 'runledger-audit/2')),
  },
  {
    name: 'a number in another spelling',
    status: 2,
    bytes: rewritten((text) => text.replace('"index":3', '"index":2.0')),
  },
  {
    name: 'a negative place',
    status: 2,
    bytes: rewritten((text) => text.replace('"index":3', '"index":-2')),
  },
  {
    name: 'a place beyond whole numbers',
    status: 2,
    bytes: rewritten((text) => text.replace('"index":3', '"index":9007199254740993')),
  },
  {
    name: 'true for a number',
    status: 2,
    bytes: rewritten((text) => text.replace('"index":3', '"index":true')),
  },
  {
    name: 'half of a surrogate pair',
    status: 2,
    bytes: rewritten((text) => text.replace('"run":"run-one"', '"run":"\\ud800"')),
  },
  {
    name: 'base64 in another spelling',
    status: 2,
    bytes: rewritten((text) =>
      text.replace(/.="/u, (end) => `${String.fromCodePoint((end.codePointAt(0) ?? 0) + 1)}="`),
    ),
  },
  {
    name: 'two signatures',
    status: 2,
    bytes: changed({ checkpoint: `${honest.checkpoint}${honest.checkpoint.split('\n').at(-2)}\n` }),
  },
  {
    name: 'a checkpoint with an extension line',
    status: 2,
    bytes: changed({ checkpoint: honest.checkpoint.replace('\n\n', '\nmore\n\n') }),
  },
  {
    name: 'lists in lists, deeper than anything',
    status: 2,
    bytes: Buffer.from(`${'['.repeat(100_000)}${']'.repeat(100_000)}`),
  },
];

function rebuilt(change: (made: BundleParts) => Partial<BundleParts>): Buffer {
  const made = parts();
  return bundleBytes(makeBundle({ ...made, ...change(made) }));
}

/** The other run of the same log, rightly proven. */
function otherEvents(): BundleParts['events'] {
  return endedLedger().partsOf('run-other').events;
}

/** A log in which the text of an item is another one, signed by somebody else. */
function resigned(members: Partial<Bundle>): Buffer {
  const ledger = smallLedger(testKey('runledger.test/vectors', 'forger'));
  publish(ledger);
  const [start, input, ...rest] = pictureRun();
  if (!start || !input) throw new TypeError('the run begins with an input');
  ledger.add('run-one', start, { ...input, content: 'Ein Fahrrad' }, ...rest, completed);
  return bundleBytes({ ...makeBundle(ledger.partsOf('run-one')), ...members });
}

function lateDocument(): Buffer {
  const ledger = smallLedger();
  ledger.add('run-one', ...pictureRun(), completed);
  publish(ledger);
  return bundleBytes(makeBundle(ledger.partsOf('run-one')));
}

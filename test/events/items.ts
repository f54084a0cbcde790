import * as fc from 'fast-check';
import type { FactsSchema } from '../../src/events/catalogue-entry.ts';
import { catalogue } from '../../src/events/catalogue.ts';
import { mediaTypes } from '../../src/events/core.ts';
import { checkMethods, safetyLevels } from '../../src/events/decision.ts';
import type { ItemDraft } from '../../src/events/item.ts';

/** Item types of every kind: all of the catalogue, an old name, and some that nobody knows. */
export const itemTypes = [...Object.keys(catalogue), 'interception_result', 'wikipedia_lookup', 'x2'];

const text = fc.string({ unit: 'grapheme', maxLength: 40 });
const token = fc.constantFrom('sd35_large', 'local/gpt-oss:20b', '§86a', 'S1', 'größe', '7', 'a@b.example');
const sentence = fc.constantFrom('two words', 'Ein Satz.', '', 'a\nb', '"quoted"', 'x'.repeat(200));
const name = fc.oneof(token, sentence, text);
const safeKey = fc.string({ maxLength: 12 }).filter((key) => !['__proto__', 'constructor'].includes(key));
const freeJson = fc.jsonValue({ maxDepth: 3, stringUnit: 'grapheme' }).map(settled);

/** Values that some fact schema takes, and near misses. */
const factLike = fc.oneof(
  token,
  sentence,
  fc.integer({ min: -2, max: 100 }),
  fc.double({ min: 0, max: 10, noNaN: true }).map((value) => value + 0),
  fc.boolean(),
  fc.constant(null),
  fc.constantFrom(...safetyLevels, ...checkMethods, 'eco', 'level_research', 'png', 'de', 'f'.repeat(64)),
  fc.array(token, { maxLength: 3 }),
  fc.constant({ verdict: 'safe', action: 'allow', basis: 'evaluated' }),
  fc.constant({ action: 'block', basis: 'fail_closed' }),
  freeJson,
);

const metadataOf = (type: string): fc.Arbitrary<Record<string, unknown>> => {
  const entry: { readonly facts: FactsSchema } | undefined = catalogue[type as keyof typeof catalogue];
  const known = Object.keys(entry?.facts.shape ?? {});
  const key = known.length === 0 ? safeKey : fc.oneof(fc.constantFrom(...known), safeKey);
  return fc.dictionary(key, factLike, { maxKeys: 6 });
};

const orNone = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null | undefined> =>
  fc.option(fc.option(value, { nil: null }), { nil: undefined });

const reserved = new Set(['item_type', 'sequence_number', 'timestamp', 'source', 'erased', 'metadata']);
const members =
  `stage stage_iteration loop_iteration media_type content file_path config_used model_used backend_used
  execution_time`.split(/\s+/);

/** Any item that may be recorded: known and unknown types, tokens and sentences, nulls, unknown members. */
export const anyDraft: fc.Arbitrary<ItemDraft> = fc.constantFrom(...itemTypes).chain((type) =>
  fc.record({
    item_type: fc.constant(type),
    stage: orNone(fc.integer({ min: -1, max: 7 })),
    stage_iteration: orNone(fc.integer({ min: 0, max: 9 })),
    loop_iteration: orNone(fc.integer({ min: 0, max: 3 })),
    media_type: orNone(fc.constantFrom(...mediaTypes, 'hologram')),
    content: orNone(text),
    file_path: orNone(name),
    config_used: orNone(name),
    model_used: orNone(name),
    backend_used: orNone(name),
    execution_time: orNone(fc.double({ min: -1, max: 1e6, noNaN: true }).map((value) => value + 0)),
    metadata: orNone(metadataOf(type)),
    extra: fc.option(
      fc.dictionary(
        safeKey.filter((key) => !reserved.has(key) && !members.includes(key)),
        freeJson,
        { maxKeys: 3 },
      ),
      { nil: undefined },
    ),
    user_id: fc.option(sentence, { nil: undefined }),
    session_id: fc.option(name, { nil: undefined }),
    record: fc.option(fc.dictionary(safeKey, freeJson, { maxKeys: 3 }), { nil: undefined }),
  }),
);

/** What `JSON.parse` of our bytes can give: no −0, no number that readers would round, no reserved key. */
function settled(value: unknown): unknown {
  if (typeof value === 'number') {
    return Number.isInteger(value) && !Number.isSafeInteger(value) ? 0 : value + 0;
  }
  if (Array.isArray(value)) return value.map(settled);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== '__proto__' && key !== 'constructor')
      .map(([key, member]) => [key, settled(member)]),
  );
}

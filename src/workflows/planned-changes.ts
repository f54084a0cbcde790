import { LedgerError } from '../errors.ts';
import { isOutputConfig, type LibraryDocument } from './document.ts';
import type { HashedDocument } from './library.ts';
import type { Retirer, Source } from './publication.ts';
import { invalidSet, type SetFault, setFaults } from './set-faults.ts';

/** What is to be done to one document. */
export type PlannedChange =
  | ({ readonly kind: 'publish'; readonly id: string; readonly source: Source } & HashedDocument)
  | { readonly kind: 'retire'; readonly id: string; readonly source: Retirer };

/** A change that would leave a workflow which cannot be run: WORKFLOW_INVALID or WORKFLOW_IN_USE says which. */
export type RefusedChange = { readonly change: PlannedChange; readonly error: LedgerError };

type Documents = ReadonlyMap<string, LibraryDocument>;

/**
 * The planned changes that can all be made together, and those that cannot. What was wrong before with a document that
 * nobody changes refuses nothing.
 */
export function fittingChanges(
  current: Documents,
  planned: readonly PlannedChange[],
): { readonly fitting: readonly PlannedChange[]; readonly refused: readonly RefusedChange[] } {
  const known = new Set(setFaults([...current.values()]).map(nameOf));
  const faultsOf = (changes: readonly PlannedChange[]): readonly SetFault[] => {
    const published = new Set(changes.map(({ id }) => id));
    return setFaults([...changedBy(current, changes).values()]).filter(
      (fault) => published.has(fault.workflow) || !known.has(nameOf(fault)),
    );
  };
  const refused: RefusedChange[] = [];
  let fitting = planned;
  for (;;) {
    const faults = faultsOf(fitting);
    if (faults.length === 0) return { fitting, refused };
    const guilty = guiltyOf(faults, fitting, current);
    refused.push(...guilty.map((change) => ({ change, error: refusalOf(change, faults, current) })));
    fitting = fitting.filter((change) => !guilty.includes(change));
  }
}

const nameOf = ({ workflow, pointer, needs }: SetFault): string => JSON.stringify([workflow, pointer, needs]);

function changedBy(current: Documents, changes: readonly PlannedChange[]): Documents {
  const documents = new Map(current);
  for (const change of changes) {
    if (change.kind === 'publish') documents.set(change.id, change.document);
    else documents.delete(change.id);
  }
  return documents;
}

/** Who must give way: a change that takes from a workflow what it had; where there is none, the workflows themselves. */
function guiltyOf(
  faults: readonly SetFault[],
  changes: readonly PlannedChange[],
  current: Documents,
): readonly PlannedChange[] {
  for (const fault of faults) {
    const mends = (change: PlannedChange): boolean => {
      const others = changes.filter((other) => other !== change);
      const left = setFaults([...changedBy(current, others).values()]);
      return !left.some((one) => nameOf(one) === nameOf(fault));
    };
    const taking = changes.find((change) => gives(current.get(change.id), fault) && mends(change));
    if (taking !== undefined) return [taking];
  }
  const faulty = new Set(faults.map(({ workflow }) => workflow));
  const own = changes.filter(({ id }) => faulty.has(id));
  if (own.length > 0) return own;
  throw new TypeError(`${[...faulty].join(', ')}: new faults that no change explains`);
}

/** Is this what the workflow lacks? */
const gives = (document: LibraryDocument | undefined, { needs }: SetFault): boolean =>
  document !== undefined &&
  ('config' in needs
    ? document.id === needs.config
    : isOutputConfig(document) && document.media_type === needs.medium);

function refusalOf({ id }: PlannedChange, faults: readonly SetFault[], current: Documents): LedgerError {
  const own = faults.filter(({ workflow }) => workflow === id);
  if (own.length > 0) return invalidSet(id, own);
  const users = faults.filter((fault) => gives(current.get(id), fault)).map(({ workflow }) => workflow);
  return new LedgerError('WORKFLOW_IN_USE', { config: id, users: [...new Set(users)] });
}

/** Groups to be made one after the other, so that no workflow ever names what is not there: what others need first, and last gone. */
export function inOrder(
  changes: readonly PlannedChange[],
  current: Documents,
): readonly (readonly PlannedChange[])[] {
  const group = (kind: PlannedChange['kind'], ofConfigs: boolean): readonly PlannedChange[] =>
    changes.filter((change) => {
      const document = change.kind === 'publish' ? change.document : current.get(change.id);
      return change.kind === kind && (document !== undefined && isOutputConfig(document)) === ofConfigs;
    });
  return [group('publish', true), group('publish', false), group('retire', false), group('retire', true)];
}

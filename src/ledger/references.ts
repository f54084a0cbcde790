import { isObject } from './canonical-json.ts';
import type { ProvenCore } from './proven-core.ts';

/** A document that the facts of an event refer to: what was decided by a policy that nobody can read proves little. */
export type Reference = {
  readonly kind: 'policy' | 'workflow';
  /** The stream in which it is published. */
  readonly stream: string;
  /** Of its canonical JSON, in hex. */
  readonly sha256: string;
};

/** Read from the facts whatever the item type is: `policy` names one wherever it stands, `workflow_sha256` beside `config_name`. */
export function referencesOf({ facts }: Pick<ProvenCore, 'facts'>): readonly Reference[] {
  const found: Reference[] = [];
  const { policy, workflow_sha256: workflow, config_name: config } = facts;
  if (isObject(policy) && typeof policy['id'] === 'string' && typeof policy['sha256'] === 'string')
    found.push({ kind: 'policy', stream: `policy-${policy['id']}`, sha256: policy['sha256'] });
  if (typeof workflow === 'string' && typeof config === 'string')
    found.push({ kind: 'workflow', stream: `workflow-${config}`, sha256: workflow });
  return found;
}

/** Is this the publication of what is referred to? */
export const isPublication = (core: ProvenCore, { stream, sha256 }: Reference): boolean =>
  core.stream === stream && core.facts['sha256'] === sha256;

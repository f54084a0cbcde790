import { LedgerError } from '../errors.ts';
import type { WorkflowDesk } from '../http/service.ts';
import type { Projector } from '../projector/projector.ts';
import { readPublication, readPublications, readVersion, readVersions } from '../queries/workflows.ts';
import type { Publication } from '../workflows/publication.ts';
import type { WorkflowShelf } from './workflow-shelf.ts';

/** What HTTP can do with documents: reading answers from the read model, changing goes through the shelf. */
export function workflowDesk(shelf: WorkflowShelf, projector: Projector): WorkflowDesk {
  const publicationOf = (id: string): Publication => {
    const found = readPublication(projector, id);
    if (found !== undefined) return found;
    throw new LedgerError('WORKFLOW_NOT_FOUND', {
      workflow: id,
      known: [...readPublications(projector).keys()],
    });
  };
  const versionOf: WorkflowDesk['version'] = (id, version) => {
    publicationOf(id);
    const found = readVersion(projector, id, version);
    if (found === undefined)
      throw new LedgerError('VERSION_NOT_FOUND', { workflow: `workflow ${id}`, version });
    return found;
  };
  return {
    library: shelf.library,
    standing: (id) => versionOf(id, publicationOf(id).version),
    versions: (id) => {
      publicationOf(id);
      return readVersions(projector, id);
    },
    version: versionOf,
    put: shelf.put,
    retire: shelf.retire,
  };
}

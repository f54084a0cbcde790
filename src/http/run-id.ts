const executionIdPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
/** Names that stand where an id stands in an address. */
const reserved = new Set(['stats', 'import']);

/** May a run bear this id? (domain.md §2) */
export function isExecutionId(id: string): boolean {
  return executionIdPattern.test(id) && !reserved.has(id);
}

const pattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** Names that stand for something else in the paths of the HTTP surface. */
const taken = new Set(['stats', 'import']);

/** May this text name a run? Ours are `exec_YYYYMMDD_HHMMSS_<8 hex>`; others bring their own (domain.md §2). */
export function isExecutionId(text: unknown): text is string {
  return typeof text === 'string' && pattern.test(text) && !taken.has(text);
}

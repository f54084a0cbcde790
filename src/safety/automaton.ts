/** A node of the trie: where each class (a number) leads, where to go on when none does, and what ends here. */
type Node = {
  readonly next: Map<number, number>;
  fail: number;
  /** Patterns that end at this node. */
  readonly ends: number[];
  /** The nearest node on the way of `fail` where a pattern ends; 0 for none. */
  shorter: number;
};

/** Finds all patterns at once in one pass over a text (Aho–Corasick 1975). */
export type Automaton = {
  /**
   * Walks the classes of a text once. Calls `found(pattern, last)` for each pattern whose last class stands at index
   * `last`. Returns the number of steps: at most twice the text plus one per call.
   */
  readonly walk: (classes: readonly number[], found: (pattern: number, last: number) => void) => number;
};

/** Builds the automaton of some patterns; a pattern is named by its index. Empty patterns are never found. */
export function buildAutomaton(patterns: readonly (readonly number[])[]): Automaton {
  const nodes: Node[] = [emptyNode()];
  const nodeAt = (index: number): Node => {
    const node = nodes[index];
    if (node === undefined) throw new RangeError(`the automaton has no node ${index}`);
    return node;
  };
  for (const [pattern, classes] of patterns.entries()) {
    if (classes.length === 0) continue;
    let at = 0;
    for (const one of classes) {
      const known = nodeAt(at).next.get(one);
      if (known === undefined) nodeAt(at).next.set(one, nodes.push(emptyNode()) - 1);
      at = known ?? nodes.length - 1;
    }
    nodeAt(at).ends.push(pattern);
  }
  linkFailures(nodeAt);
  return {
    walk(classes, found) {
      let at = 0;
      let steps = 0;
      let last = -1;
      for (const one of classes) {
        last += 1;
        steps += 1;
        let next = nodeAt(at).next.get(one);
        while (next === undefined && at !== 0) {
          at = nodeAt(at).fail;
          next = nodeAt(at).next.get(one);
          steps += 1;
        }
        at = next ?? 0;
        for (let end = at; end !== 0; end = nodeAt(end).shorter) {
          for (const pattern of nodeAt(end).ends) {
            found(pattern, last);
            steps += 1;
          }
        }
      }
      return steps;
    },
  };
}

/** Breadth first: a node's failure is its parent's failure, one class further. */
function linkFailures(nodeAt: (index: number) => Node): void {
  const queue = [...nodeAt(0).next.values()];
  for (let head = 0; head < queue.length; head += 1) {
    const node = nodeAt(queue[head] ?? 0);
    for (const [one, child] of node.next) {
      let fail = node.fail;
      while (fail !== 0 && !nodeAt(fail).next.has(one)) fail = nodeAt(fail).fail;
      const target = nodeAt(fail).next.get(one) ?? 0;
      const linked = nodeAt(child);
      linked.fail = target;
      linked.shorter = nodeAt(target).ends.length > 0 ? target : nodeAt(target).shorter;
      queue.push(child);
    }
  }
}

const emptyNode = (): Node => ({ next: new Map(), fail: 0, ends: [], shorter: 0 });

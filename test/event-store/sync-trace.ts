type Trace = { readonly acks: number; readonly unsynced: readonly number[] };

const call = /^(?<pid>\d+)\s+(?<name>\w+)\((?<fd>\d+|AT_FDCWD)(?:<(?<path>[^>]*)>)?(?<rest>.*)$/;
const resumed = /^(?<pid>\d+)\s+<\.\.\. \w+ resumed>/;

/**
 * Reads `strace -f -y` of test/crash/log-sync.ts: which acks came before the data of their append were on the disk?
 * On the disk means: pages written, then fdatasync of the data file, then lmdb's header written through a descriptor
 * that was opened with O_DSYNC, which returns when it is on the disk, each finished before the next and before the ack.
 */
export function unsyncedAcks(trace: string): Trace {
  const unsynced: number[] = [];
  const synchronous = new Set<string>();
  const unfinished = new Map<string, string>();
  let acks = 0;
  let state: 'nothing' | 'written' | 'synced' | 'durable' = 'nothing';
  for (const raw of trace.split('\n')) {
    const line = whole(raw, unfinished);
    const { name, fd = '', path = '', rest = '' } = call.exec(line)?.groups ?? {};
    if (name === 'openat' && /data\.mdb".*O_DSYNC/.test(rest))
      synchronous.add(/= (\d+)/.exec(rest)?.[1] ?? '');
    if (name === 'write' && fd === '1' && rest.includes('"try')) state = 'nothing';
    if (name === 'write' && fd === '1' && rest.includes('"ack')) {
      if (state !== 'durable') unsynced.push(acks);
      acks += 1;
    }
    if (!path.endsWith('data.mdb')) continue;
    // lmdb writes neighbouring pages with one writev.
    if (name?.startsWith('pwrite') || name === 'writev') {
      if (!synchronous.has(fd)) state = 'written';
      else if (state === 'synced') state = 'durable';
    }
    if (name === 'fdatasync' && state === 'written' && rest.endsWith('= 0')) state = 'synced';
  }
  return { acks, unsynced };
}

/** A call that another thread's interrupted counts from its end; its beginning is kept until then. */
function whole(line: string, unfinished: Map<string, string>): string {
  const begun = line.indexOf(' <unfinished ...>');
  const pid = /^\d+/.exec(line)?.[0] ?? '';
  if (begun >= 0) {
    unfinished.set(pid, line.slice(0, begun));
    return '';
  }
  const end = resumed.exec(line);
  return end === null ? line : `${unfinished.get(pid) ?? ''}${line.slice(end[0].length)}`;
}

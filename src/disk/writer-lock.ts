import { randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LedgerError } from '../errors.ts';

/** The right to write to one directory; give it back with `release`. */
export type WriterLock = { readonly release: () => void };

const lockName = /^writer\.([0-9]+)$/;

/**
 * Takes the lock or throws LOCKED with the holder's pid.
 *
 * A lock is the file `writer.N` with the highest N; it is taken over, where its holder is gone, by linking `writer.N+1`,
 * which succeeds for one process only. The highest file is never removed, only emptied on release: were it removed, a
 * slow starter that had read the directory before could still link a number that another has long passed.
 */
export function takeWriterLock(directory: string): WriterLock {
  mkdirSync(directory, { recursive: true });
  for (;;) {
    const newest = newestLock(directory);
    const holder = newest === 0 ? null : readHolder(join(directory, `writer.${newest}`));
    if (holder !== null && isAlive(holder)) throw new LedgerError('LOCKED', { directory, pid: holder.pid });
    const path = join(directory, `writer.${newest + 1}`);
    if (!createLock(directory, path)) continue;
    const now = newestLock(directory);
    if (now === newest + 1) {
      removeOlder(directory, now);
      return { release: () => writeFileSync(path, '') };
    }
    rmSync(path, { force: true });
  }
}

type Holder = { readonly pid: number; readonly started: string };

function createLock(directory: string, path: string): boolean {
  // Linking a finished file makes the lock appear with its content: nobody can read it half-written.
  const draft = join(directory, `.writer-${randomUUID()}`);
  const holder: Holder = { pid: process.pid, started: startOf(process.pid) };
  writeFileSync(draft, JSON.stringify(holder), { mode: 0o600 });
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function newestLock(directory: string): number {
  const numbers = readdirSync(directory).map((name) => Number(lockName.exec(name)?.[1] ?? 0));
  return Math.max(0, ...numbers);
}

function removeOlder(directory: string, newest: number): void {
  for (const name of readdirSync(directory)) {
    const number = lockName.exec(name)?.[1];
    if (number !== undefined && Number(number) < newest) rmSync(join(directory, name), { force: true });
  }
}

/** Null for a lock that was given back. */
function readHolder(path: string): Holder | null {
  try {
    const text = readFileSync(path, 'utf8');
    return text === '' ? null : (JSON.parse(text) as Holder);
  } catch (error) {
    // Another starter removed it because it holds a newer one: look again.
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
}

function isAlive(holder: Holder): boolean {
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    // EPERM: it lives, and belongs to another user.
    if (codeOf(error) !== 'EPERM') return false;
  }
  // The same pid with another start is another process: the holder was killed and its number given out again.
  const started = startOf(holder.pid);
  return started === '' || holder.started === '' || started === holder.started;
}

/** When a process began, in the kernel's words and with the boot it counts from; empty where there is no /proc. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in brackets and may hold anything; the start is the 20th after it.
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${ticks}`;
  } catch {
    return '';
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

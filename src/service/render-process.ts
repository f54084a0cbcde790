import { constants, setPriority } from 'node:os';
import workerpool from 'workerpool';
import { LedgerError } from '../errors.ts';
import { formats } from '../exporters/registry.ts';
import { diskRefusal, isOfTheDisk } from '../disk/disk-refusal.ts';
import { heldMedium } from '../media/held-medium.ts';
import { mediaReader } from '../media/media-reader.ts';
import type { RenderAnswer, RenderTask } from './renderer.ts';
import { readReplay } from './replay-file.ts';
import { writeChunks } from './written-file.ts';

/**
 * The work of a render process: one replay in one format, into a file. Only what is plain goes over the channel, so a
 * refusal comes back as its code and parameters.
 */
async function render(task: RenderTask): Promise<RenderAnswer> {
  // Ended from outside, by its end, when nobody waits for it any more.
  const { signal } = new AbortController();
  const exporter = formats.get(task.format);
  if (exporter === undefined) throw new TypeError(`there is no exporter for ${task.format}`);
  try {
    const replay = await readReplay(task.replayFile, heldMedium(mediaReader(task.mediaDirectory)));
    return { written: await writeChunks(task.outFile, exporter.export(replay, signal)) };
  } catch (error) {
    const { code, params } = operatingError(error);
    return { refused: { code, params } };
  }
}

/** What is none is a defect, and goes on as it is. */
function operatingError(error: unknown): LedgerError {
  if (error instanceof LedgerError) return error as LedgerError;
  if (isOfTheDisk(error)) return diskRefusal('The export', error);
  throw error;
}

// The service and its clients come first: a compiler with a thread for each core would keep them waiting.
setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
workerpool.worker({ render });

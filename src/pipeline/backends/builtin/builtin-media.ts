import { LedgerError } from '../../../errors.ts';
import type { MediaBackend } from '../media-backend.ts';
import { unmarked } from './marker.ts';
import { drawPicture, pictureSize } from './picture.ts';

/**
 * Media without a model: a PNG of 512 × 512 for an image, the text itself for a text. Anything else is refused with
 * OUTPUT_UNSUPPORTED, so that nothing silent passes for music. `clock` gives monotonic seconds.
 */
export function builtinMedia(clock: () => number): MediaBackend {
  return {
    name: 'builtin',
    async generate({ mediaType, prompt, seed }, signal) {
      signal.throwIfAborted();
      const started = clock();
      const common = { backend: 'builtin', seed };
      if (mediaType === 'image') {
        const bytes = drawPicture(prompt, seed);
        const metadata = { width: pictureSize, height: pictureSize, format: 'png' };
        const media = [{ body: { bytes }, metadata }];
        return { ...common, media, model: 'builtin/forms', executionSeconds: clock() - started };
      }
      if (mediaType === 'text') {
        const media = [{ body: { text: unmarked(prompt) }, metadata: { format: 'plain' } }];
        return { ...common, media, model: 'builtin/echo', executionSeconds: clock() - started };
      }
      throw new LedgerError('OUTPUT_UNSUPPORTED', { backend: 'builtin', mediaType });
    },
  };
}

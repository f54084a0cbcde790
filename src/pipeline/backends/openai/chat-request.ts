import { BackendError } from '../backend-error.ts';
import { imageTypeOf } from '../image-type.ts';
import type { TextRequest } from '../text-backend.ts';

/** One message of a chat completion. */
export type ChatMessage = { readonly role: 'user'; readonly content: string | readonly ChatPart[] };

type ChatPart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image_url'; readonly image_url: { readonly url: string } };

/**
 * The prompt as a message, pictures as data URLs beside it. A picture that is neither PNG, JPEG, WebP nor GIF is
 * BACKEND_REFUSED before anything is sent.
 */
export function chatMessage(
  backend: string,
  { prompt, images = [] }: Pick<TextRequest, 'prompt' | 'images'>,
): ChatMessage {
  if (images.length === 0) return { role: 'user', content: prompt };
  const pictures = images.map((bytes, index): ChatPart => {
    const type = imageTypeOf(bytes);
    if (type === undefined) {
      const what = `picture ${index + 1} is neither PNG, JPEG, WebP nor GIF`;
      throw new BackendError('BACKEND_REFUSED', { backend, what });
    }
    return {
      type: 'image_url',
      image_url: { url: `data:${type};base64,${Buffer.from(bytes).toString('base64')}` },
    };
  });
  return { role: 'user', content: [{ type: 'text', text: prompt }, ...pictures] };
}

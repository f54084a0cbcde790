import { BackendError } from './backend-error.ts';

/** The longest text of one answer, in UTF-16 units, and the longest thinking that is kept: an item must hold both. */
export const maxTextCharacters = 100_000;

/** What a stream has said so far. Thinking is kept apart and never stands in for a text. */
export class CollectedText {
  readonly #backend: string;
  #text = '';
  #thinking = '';
  #thinkingCharacters = 0;

  constructor(backend: string) {
    this.#backend = backend;
  }

  get text(): string {
    return this.#text;
  }

  /** Throws BACKEND_FAILED beyond {@link maxTextCharacters}. */
  add(content: string): void {
    this.#text += content;
    if (this.#text.length > maxTextCharacters) {
      const what = `a text of more than ${maxTextCharacters} characters`;
      throw new BackendError('BACKEND_FAILED', { backend: this.#backend, what });
    }
  }

  addThinking(thinking: string): void {
    this.#thinkingCharacters += thinking.length;
    if (this.#thinking.length < maxTextCharacters) this.#thinking += thinking;
  }

  /** `thinking` where there was any; beside it its true length where it was cut. */
  get metadata(): Readonly<Record<string, unknown>> {
    if (this.#thinkingCharacters === 0) return {};
    const thinking = this.#thinking.slice(0, maxTextCharacters).toWellFormed();
    return this.#thinkingCharacters > maxTextCharacters
      ? { thinking, thinking_characters: this.#thinkingCharacters }
      : { thinking };
  }
}

/** What stands before every text that the built-in backend makes, so that nobody takes it for a model's work. */
export const marked = (what: string, text: string): string => `[builtin ${what}] ${text}`;

/** A text without the marks of earlier steps. */
export const unmarked = (text: string): string => text.replace(/^(?:\[builtin [\w-]+\] ?)+/, '');

/** The compiler did not make a document, and why: its messages, in its words. */
export class CompilerRefusal extends Error {
  readonly messages: readonly string[];

  constructor(messages: readonly string[], cause?: unknown) {
    super(messages.join('; '), { cause });
    this.name = 'CompilerRefusal';
    this.messages = messages;
  }

  /** Texts that no font could show, where that is what it says. */
  get unshownTexts(): readonly string[] {
    return this.messages.flatMap((message) => {
      const quoted = /the text `"(?<text>.*?)"`/su.exec(message)?.groups?.['text'];
      return quoted === undefined ? [] : [unescaped(quoted)];
    });
  }
}

/** What the PDF writer throws: an error whose message is its list of diagnostics as Rust prints them. */
export function refusalOfWriter(error: unknown): CompilerRefusal {
  const printed = error instanceof Error ? error.message : String(error);
  const messages = [...printed.matchAll(/message: "(?<message>(?:[^"\\]|\\.)*)"/gsu)].map(({ groups }) =>
    unescaped(groups?.['message'] ?? ''),
  );
  return new CompilerRefusal(messages.length === 0 ? [printed] : messages, error);
}

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '0': '\0' };

function unescaped(text: string): string {
  return text.replace(/\\(?:u\{(?<hex>[0-9a-f]+)\}|(?<sign>.))/giu, (...match) => {
    const { hex, sign } = match.at(-1) as { readonly hex?: string; readonly sign?: string };
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    return escapes[sign ?? ''] ?? sign ?? '';
  });
}

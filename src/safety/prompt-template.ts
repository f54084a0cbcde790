/** The names in braces in a template, in order, each as often as it stands there. */
export const placeholdersIn = (template: string): readonly string[] =>
  Array.from(template.matchAll(placeholderPattern), ([, name = '']) => name);

const placeholderPattern = /\{([a-z_]+)\}/g;

/**
 * Fills a template in one pass: what is put in is never searched for placeholders again, so a text that says "{terms}"
 * stays what it is. The text is put in whole; a model that cannot read it whole must refuse it. Throws TypeError for a
 * placeholder without a value.
 */
export function fillTemplate(template: string, values: ReadonlyMap<string, string>): string {
  return template.replaceAll(placeholderPattern, (_placeholder, name: string) => {
    const value = values.get(name);
    if (value === undefined) throw new TypeError(`there is no {${name}} to put into the template`);
    return value;
  });
}

/**
 * A text between two lines that it does not hold itself, so that it cannot pretend to end early: `=====`, or more where
 * the text has as many in a row.
 */
export function fenced(text: string): string {
  let fence = '=====';
  for (const [run] of text.matchAll(/={5,}/g)) if (run.length >= fence.length) fence = `${run}=`;
  return `${fence}\n${text}\n${fence}`;
}

/**
 * A text in which the control tokens of language models are broken by a space: `<|eot_id|>` in it would end the turn that
 * it stands in, since a backend cannot tell it from one of its own. Everything else stays letter by letter.
 */
export const withoutControlTokens = (text: string): string =>
  text.replaceAll(controlPattern, (token) => `${token.charAt(0)} ${token.slice(1)}`);

const controlPattern =
  /<(?=[|｜])|<(?=\/?s>|<\/?SYS>>|(?:bos|eos|pad|unk|start_of_turn|end_of_turn)>)|\[(?=\/?(?:INST|AVAILABLE_TOOLS|TOOL_CALLS|SYSTEM_PROMPT)\])/giu;

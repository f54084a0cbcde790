/** The answer proper in what a model gave back. */
export type AnswerText = {
  /** Without thinking, special tokens, and quotes or code marks around the whole of it; trimmed. */
  readonly text: string;
  /** False where the answer may have been meant to go on, or stands in pieces around thinking. */
  readonly isWhole: boolean;
};

/**
 * Takes the answer out of what a model gave back: thinking goes, also where its beginning was part of the prompt and only
 * the end was answered, so do the special tokens that some backends leave in. Thinking that never ends leaves no answer.
 * Pure, total, linear.
 */
export function answerText(raw: string): AnswerText {
  const { text, isWhole } = withoutThinking(raw);
  return { text: unwrapped(text.replace(rolePattern, '\n').replace(specialPattern, '\n')), isWhole };
}

const tagPattern =
  /<(\/?)\s*(?:think|thinking|thoughts?|reasoning|reflection)\b[^<>]{0,80}>|\[(\/?)THINK\]|◁(\/?)think▷/giu;

function withoutThinking(raw: string): AnswerText {
  const kept: string[] = [];
  let [depth, from, isFirst, isWhole] = [0, 0, true, true];
  for (const tag of raw.matchAll(tagPattern)) {
    const closes = tag.slice(1).includes('/');
    if (depth === 0) kept.push(raw.slice(from, tag.index));
    // Where the first tag closes, the prompt had opened it: all so far was thinking. Any other lone one is a riddle.
    if (closes && depth === 0) {
      if (isFirst) kept.length = 0;
      else isWhole = false;
    }
    depth = closes ? Math.max(0, depth - 1) : depth + 1;
    from = tag.index + tag[0].length;
    isFirst = false;
  }
  const hasBefore = kept.some((part) => part.trim() !== '');
  // Thinking that never ended leaves nothing to push, and so no answer but what stood before it.
  if (depth === 0) kept.push(raw.slice(from));
  return { text: kept.join('\n'), isWhole: isWhole && !hasBefore };
}

/** Who speaks now; only the model's own turn, so that a user's turn that it made up stays in sight. */
const rolePattern =
  /<\|start_header_id\|>\s{0,9}assistant\s{0,9}<\|end_header_id\|>|<\|im_start\|>\s{0,9}assistant\b|<start_of_turn>\s{0,9}model\b/giu;
const specialPattern =
  /<[|｜][\p{L}\p{N}_.:▁-]{1,40}[|｜]>|<\/?s>|<(?:bos|eos|pad|unk|start_of_turn|end_of_turn)>|\[\/?INST\]/giu;

const wraps: readonly (readonly [open: string, close: string])[] = [
  ['```', '```'],
  ['**', '**'],
  ['__', '__'],
  ['*', '*'],
  ['_', '_'],
  ['`', '`'],
  ['"', '"'],
  ["'", "'"],
  ['“', '”'],
  ['„', '“'],
  ['«', '»'],
];
const maxWraps = 8;

/** Takes off what stands around the whole answer, at most 8 layers of it. */
function unwrapped(answer: string): string {
  let text = answer.trim();
  for (let layer = 0; layer < maxWraps; layer += 1) {
    const wrap = wraps.find(
      ([open, close]) =>
        text.length >= open.length + close.length && text.startsWith(open) && text.endsWith(close),
    );
    if (wrap === undefined) break;
    const [open, close] = wrap;
    const inner = text.slice(open.length, text.length - close.length);
    // The word after three backticks names the language of a block, unless nothing follows it.
    text = (open === '```' ? inner.replace(/^[a-z]{1,12}\r?\n(?=.)/i, '') : inner).trim();
  }
  return asLines(text);
}

/** An answer in JSON, where it is a word or names a verdict and codes and nothing else, as the lines it stands for. */
function asLines(text: string): string {
  if (!text.startsWith('{')) return text;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // No JSON: the braces are part of the answer, and the parser will say what it makes of them.
    return text;
  }
  if (typeof parsed !== 'object' || parsed === null) return text;
  const lines: string[] = [];
  for (const [key, value] of Object.entries(parsed)) {
    if (verdictKeys.has(key.toLowerCase()) && typeof value === 'string') lines.unshift(value);
    else if (codeKeys.has(key.toLowerCase()) && isStrings(value)) lines.push([value].flat().join(','));
    else return text;
  }
  return lines.filter((line) => line !== '').join('\n');
}

const verdictKeys: ReadonlySet<string> = new Set(['verdict', 'safety', 'answer', 'result']);
const codeKeys: ReadonlySet<string> = new Set(['codes', 'categories', 'violations']);
const isStrings = (value: unknown): value is string | readonly string[] =>
  [value].flat().every((one) => typeof one === 'string');

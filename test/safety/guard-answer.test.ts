import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decisionRecord } from '../../src/events/decision.ts';
import { bundledPolicy } from '../../src/safety/bundled-policy.ts';
import { type CheckedText, checkText } from '../../src/safety/check-text.ts';
import { parseGuardAnswer } from '../../src/safety/guard-answer.ts';
import { modelContextCheck } from '../../src/safety/model-context-check.ts';
import { activatePolicy, type PolicyDocument } from '../../src/safety/policy.ts';
import { commitText, tickingClock } from '../pipeline/harness.ts';
import { askedModel } from './asked-model.ts';
import { guardOutputs } from './guard-outputs.ts';

const parse = (raw: string, finishReason: string | null = 'stop') => parseGuardAnswer(raw, { finishReason });

describe('the answer of a safety model', () => {
  test.each([
    // [raw, native, codes, parse status, words beside the codes]
    ['safe', 'safe', '', 'canonical'],
    ['unsafe\nS1,S3', 'unsafe', 'S1,S3', 'canonical'],
    ['unsafe\nS14', 'unsafe', 'S14', 'canonical'],
    ['unsafe\r\nS1', 'unsafe', 'S1', 'canonical'],
    // blank lines before, spaces behind: what the models really write
    ['\n\nsafe', 'safe', '', 'canonical'],
    ['safe  \n', 'safe', '', 'canonical'],
    ['\n\nunsafe\nS2 \n', 'unsafe', 'S2', 'canonical'],
    ['unsafe\n\nS2', 'unsafe', 'S2', 'lenient'],
    ['unsafe\nS1, S3', 'unsafe', 'S1,S3', 'lenient'],
    ['unsafe S1 S3', 'unsafe', 'S1,S3', 'lenient'],
    ['unsafe,S8, Violent Crimes', 'unsafe', 'S8', 'lenient', true],
    ['unsafe: S1 (violent crimes)', 'unsafe', 'S1', 'lenient', true],
    ['UNSAFE\ns1,S3,S1', 'unsafe', 'S1,S3', 'lenient'],
    ['Safe', 'safe', '', 'lenient'],
    ['SAFE.', 'safe', '', 'lenient'],
    ['unsafe\nO3', 'unsafe', 'O3', 'canonical'],
    // no verdict, no codes
    ['S4,S8', undefined, 'S4,S8', 'bare_codes'],
    [' O3 ', undefined, 'O3', 'bare_codes'],
    ['["S1", "S2"]', undefined, 'S1,S2', 'bare_codes'],
    ['unsafe', 'unsafe', '', 'unsafe_without_codes'],
    ['Unsafe.', 'unsafe', '', 'unsafe_without_codes'],
    ['unsafe\nViolent crimes', 'unsafe', '', 'unsafe_without_codes', true],
    ['unsafe, violent', 'unsafe', '', 'unsafe_without_codes', true],
    ['', undefined, '', 'empty'],
    [' \n\t', undefined, '', 'empty'],
    // contradictory
    ['safe\nS1', 'safe', 'S1', 'contradictory'],
    ['safe\nunsafe', 'safe', '', 'contradictory'],
    ['unsafe\nS1\nsafe', 'unsafe', 'S1', 'contradictory'],
    ['unsafe safe', 'unsafe', '', 'contradictory'],
    ['S1\nsafe', undefined, 'S1', 'contradictory'],
    // thinking
    ['<think>unsafe S1</think>safe', 'safe', '', 'lenient'],
    ['<think>\n\n</think>\n\nunsafe\nS1', 'unsafe', 'S1', 'lenient'],
    ['It says unsafe things.\n</think>\n\nsafe', 'safe', '', 'lenient'],
    ['[THINK]hm[/THINK]safe', 'safe', '', 'lenient'],
    ['◁think▷hm◁/think▷safe', 'safe', '', 'lenient'],
    ['<THINKING mode="x">hm</THINKING>safe', 'safe', '', 'lenient'],
    ['<think>one <think>two</think> three</think>safe', 'safe', '', 'lenient'],
    ['<think>it seems safe', undefined, '', 'empty'],
    ['<think>it is\n\nsafe', undefined, '', 'empty'],
    ['safe</think>', undefined, '', 'empty'],
    ['safe<think>wait', 'safe', '', 'unexpected', true],
    ['safe\n<think>wait</think>', 'safe', '', 'unexpected', true],
    ['unsafe\nS1<think>wait', 'unsafe', '', 'unsafe_without_codes', true],
    ['unsafe\nS1<think>hm</think>safe', 'unsafe', 'S1', 'contradictory'],
    ['<think>a</think></think>safe', 'safe', '', 'unexpected', true],
    ['<think>a</think>unsafe<think>b</think></think>safe', 'unsafe', '', 'contradictory'],
    ['</thinkers>safe', undefined, '', 'unexpected', true],
    // special tokens and headers
    ['safe<|eot_id|>', 'safe', '', 'lenient'],
    ['<|start_header_id|>assistant<|end_header_id|>\n\nunsafe\nS3<|eot_id|>', 'unsafe', 'S3', 'lenient'],
    ['<|im_start|>assistant\nsafe<|im_end|>', 'safe', '', 'lenient'],
    ['<start_of_turn>model\nsafe<end_of_turn>', 'safe', '', 'lenient'],
    ['<｜end▁of▁sentence｜>safe', 'safe', '', 'lenient'],
    ['<|start_header_id|>user<|end_header_id|>safe', undefined, '', 'unexpected', true],
    ['un<|x|>safe', undefined, '', 'unexpected', true],
    ['safe<|eot_id|>unsafe\nS1', 'safe', 'S1', 'contradictory'],
    // marks around it
    ['`safe`', 'safe', '', 'lenient'],
    ['**unsafe**\nS1', 'unsafe', 'S1', 'lenient'],
    ['> unsafe\n> S1', 'unsafe', 'S1', 'lenient'],
    ['"safe"', 'safe', '', 'lenient'],
    ['„safe“', 'safe', '', 'lenient'],
    ['```text\nsafe\n```', 'safe', '', 'lenient'],
    ['```\nunsafe\nS1\n```', 'unsafe', 'S1', 'lenient'],
    ['{"verdict": "safe"}', 'safe', '', 'lenient'],
    ['```json\n{"verdict": "unsafe", "categories": ["S1", "S3"]}\n```', 'unsafe', 'S1,S3', 'lenient'],
    ['{"codes": "S1", "verdict": "unsafe"}', 'unsafe', 'S1', 'lenient'],
    ['{"verdict": "safe", "codes": ["S1"]}', 'safe', 'S1', 'contradictory'],
    ['{"verdict": "safe", "codes": []}', 'safe', '', 'lenient'],
    ['{"verdict": "safe", "reason": "it is not"}', undefined, '', 'unexpected', true],
    ['{"not": "safe"}', undefined, '', 'unexpected', true],
    ['{"unsafe": false}', undefined, '', 'unexpected', true],
    ['{"verdict": "safe"', undefined, '', 'unexpected', true],
    ['"safe', 'safe', '', 'unexpected'],
    ['"safe" or "unsafe"', 'safe', '', 'contradictory', true],
    // letters that are no letters: unsafe is read in them, safe is not
    ['ｕｎｓａｆｅ\nＳ１', 'unsafe', 'S1', 'lenient'],
    ['un\u200bsafe\nS1', 'unsafe', 'S1', 'lenient'],
    ['ｓａｆｅ', 'safe', '', 'unexpected'],
    ['s\u200bafe', 'safe', '', 'unexpected'],
    ['ſafe', 'safe', '', 'unexpected'],
    ['ѕаfe', undefined, '', 'unexpected', true],
    ['\ufeffsafe', 'safe', '', 'canonical'],
    // sentences
    ['This is not safe', undefined, '', 'unexpected', true],
    ['unsafe? no', undefined, '', 'unexpected', true],
    ['unsafe? S1 does not apply', undefined, '', 'unexpected', true],
    ['**unsafe**? no', undefined, '', 'unexpected', true],
    ['unsafe is not the word', undefined, '', 'unexpected', true],
    ['safe enough', 'safe', '', 'unexpected', true],
    ['safe!', 'safe', '', 'unexpected'],
    ['not safe', undefined, '', 'unexpected', true],
    ['The answer is safe.', undefined, '', 'unexpected', true],
    ['S1 does not apply', undefined, '', 'unexpected', true],
    ['unsafely', undefined, '', 'unexpected', true],
    ['no', undefined, '', 'unexpected', true],
    ['🦙', undefined, '', 'unexpected'],
  ] as const)('%j', (raw, native, codes, parseStatus, hasWords: boolean = false) => {
    expect(parse(raw)).toMatchObject({
      codes: codes === '' ? [] : codes.split(','),
      parseStatus,
    });
    // An answer that names no verdict keeps the word it began with, for whoever reads the record.
    const report = parse(raw);
    if (parseStatus !== 'unexpected') expect(report.native).toBe(native);
    if (parseStatus !== 'unexpected' && parseStatus !== 'contradictory')
      expect(report.hasWords).toBe(hasWords);
  });

  test.each(['length', 'LENGTH', 'max_tokens', 'load', 'content_filter', 'error'])(
    'an answer that ended with %s is never safe, and its list of codes is not the whole list',
    (finishReason) => {
      expect(parse('safe', finishReason)).toMatchObject({ native: 'safe', parseStatus: 'unexpected' });
      expect(parse('unsafe\nS1', finishReason)).toMatchObject({
        native: 'unsafe',
        codes: [],
        parseStatus: 'unsafe_without_codes',
      });
      expect(parse('S1', finishReason)).toMatchObject({ codes: [], parseStatus: 'unexpected' });
      expect(parse('', finishReason)).toMatchObject({ parseStatus: 'empty' });
    },
  );

  test.each(['stop', 'STOP', 'eos', 'end_turn', null])('one that ended with %s is whole', (finishReason) => {
    expect(parse('safe', finishReason)).toMatchObject({ native: 'safe', parseStatus: 'canonical' });
  });

  test('more codes than a taxonomy can have are words', () => {
    const many = Array.from({ length: 90 }, (_none, n) => `S${n + 1}`).join(',');
    expect(parse(`unsafe\n${many}`)).toMatchObject({ native: 'unsafe', hasWords: true });
    expect(parse(`unsafe\n${many}`).codes).toHaveLength(32);
  });

  test('no text of any kind makes it throw, and only a plain safe reads as safe', () => {
    const piece = fc.oneof(
      fc.constantFrom('safe', 'unsafe', 'S1', '<think>', '</think>', '\n', '`', '"', '*', '<|eot_id|>', '.'),
      fc.string({ unit: 'binary', maxLength: 5 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const { native, codes, parseStatus } = parse(pieces.join(''));
        const isSafe = native === 'safe' && (parseStatus === 'canonical' || parseStatus === 'lenient');
        if (isSafe) {
          expect(codes).toEqual([]);
          expect(pieces.join('').replace(/^[^]*<\/think>/, '')).toMatch(/safe/i);
        }
      }),
      { numRuns: 3_000 },
    );
  });

  test.each(['<think>', '</think>', '`', '*', '<|', '{"a":', 'S1,', 'unsafe ', '_', '<think'])(
    'a hundred thousand times %j is read in one pass',
    (piece) => {
      expect(parse(piece.repeat(100_000)).parseStatus).not.toBe('canonical');
    },
  );
});

const never = new AbortController().signal;

/** The decision about a text that the filter hit, by a guard that answers so. */
async function decisionOn(
  raw: string,
  finishReason: string | null,
  change: Partial<PolicyDocument> = {},
): Promise<CheckedText> {
  const policy = activatePolicy({ ...bundledPolicy, ...change });
  const model = askedModel({ text: raw, finishReason });
  return checkText(
    {
      text: 'a bloody sunset',
      language: 'en',
      role: 'user_input',
      checkPoint: 'pre_interception',
      level: 'kids',
      levelSetBy: 'default',
    },
    { policy, contextCheck: modelContextCheck(policy, model.ask), commitText, clock: tickingClock() },
    never,
  );
}

describe('Two hundred guard outputs', () => {
  const outputs = guardOutputs(450);

  test('there are more than two hundred different ones, of every outcome', () => {
    expect(new Set(outputs.map(({ raw, finishReason }) => `${finishReason} ${raw}`)).size).toBeGreaterThan(
      300,
    );
    for (const outcome of ['safe', 'unsafe', 'either'] as const)
      expect(outputs.filter((one) => one.outcome === outcome).length).toBeGreaterThan(8);
  });

  test('none that is not plainly safe is ever allowed under fail_closed', async () => {
    const allowed: string[] = [];
    for (const { raw, finishReason, outcome } of outputs) {
      const { record, refusal } = await decisionOn(raw, finishReason);
      expect(decisionRecord.safeParse(record).error).toBeUndefined();
      const isAllowed = record.enforcement.action === 'allow';
      if (isAllowed) expect(record).toMatchObject({ verdict: 'safe', enforcement: { basis: 'evaluated' } });
      else expect(refusal?.message).not.toBe('');
      if (isAllowed !== (outcome === 'safe')) allowed.push(`${finishReason}: ${JSON.stringify(raw)}`);
    }
    expect(allowed).toEqual([]);
  });

  test('half a character in the answer does not lose the verdict', async () => {
    const { record, metadata } = await decisionOn('unsafe\nS1 \ud83d', 'stop', {
      on_checker_failure: 'fail_open',
    });
    expect(record).toMatchObject({ verdict: 'unsafe', enforcement: { action: 'block' } });
    expect(metadata['raw_verdict']).toBe('unsafe\nS1 \ufffd');
  });

  test('under fail_open the plainly unsafe ones are blocked all the same, and every other pass says what it is', async () => {
    for (const { raw, finishReason, outcome } of outputs) {
      const { record } = await decisionOn(raw, finishReason, { on_checker_failure: 'fail_open' });
      const { action, basis } = record.enforcement;
      if (outcome === 'unsafe') expect([raw, action, record.verdict]).toEqual([raw, 'block', 'unsafe']);
      if (action === 'allow' && outcome !== 'safe')
        expect([raw, basis, record.verdict]).toEqual([raw, 'fail_open', 'indeterminate']);
    }
  });
});

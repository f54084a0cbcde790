import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ExecutionItem } from '../../src/events/item.ts';
import { reasons, reviewed } from '../../src/http/answers.ts';
import { type LedgerService, type Reply, startLedgerService } from './ledger-service.ts';

let service: LedgerService;
beforeAll(async () => {
  service = await startLedgerService({ RUNLEDGER_CONTACT: 'Frau Beispiel, Raum 12' });
});
afterAll(() => service.close());

type Run = { readonly id: string; readonly items: readonly ExecutionItem[]; readonly version: number };

async function read(id: string): Promise<Run> {
  const { json } = await service.get(`/api/runs/${id}`);
  return { id, items: json['items'] as ExecutionItem[], version: Number(json['version']) };
}

async function run(input_text: string, more: object = {}): Promise<Run> {
  const { json } = await service.post('/api/schema/pipeline/execute', {
    schema: 'dada',
    input_text,
    user_id: 'pupil-7',
    ...more,
  });
  return read(String(json['execution_id']));
}

const seqOf = ({ items }: Run, type: string): number => {
  const found = items.find(({ item_type }) => item_type === type);
  if (found === undefined)
    throw new Error(`no ${type} in ${items.map(({ item_type }) => item_type).join(', ')}`);
  return found.sequence_number;
};

const leader = { id: 'Frau Beispiel', role: 'workshop_leader' };
const pupil = { id: 'pupil-7', role: 'person_concerned' };
const because = 'The blood belongs to a fairy tale.';
const override = { reviewer: leader, to: 'allow', reason: because };

const say = (
  { id }: Run,
  seq: number,
  what: 'override' | 'annotations',
  body: object,
  headers: Record<string, string> = {},
): Promise<Reply> => service.post(`/api/runs/${id}/decisions/${seq}/${what}`, body, headers);

const codeOf = ({ json }: Reply): string => String(json['type']).replace('urn:runledger:error:', '');

const bloody = 'Überall Blut an der Wand';

describe('a person overrides a decision', () => {
  test('the override stands beside the decision, with actor, role, reason and what it makes of it; the decision stays', async () => {
    const before = await run(bloody);
    const seq = seqOf(before, 'stage1_safety_check');
    const answer = await say(before, seq, 'override', override);
    expect(answer.status).toBe(201);
    expect(reviewed.strict().safeParse(answer.json).error).toBeUndefined();
    expect(answer.json).toMatchObject({
      stands: 'allow',
      judgement: 'override',
      decision: { sequence_number: seq },
    });
    expect(answer.headers.get('etag')).toBe(`"${before.version + 1}"`);

    const after = await read(before.id);
    expect(after.items.slice(0, -1)).toEqual(before.items);
    const item = after.items.at(-1);
    expect(item).toMatchObject({
      item_type: 'decision_overridden',
      stage: 1,
      content: because,
      metadata: {
        decision_seq: seq,
        judgement: 'override',
        to: 'allow',
        role: 'workshop_leader',
        role_from: 'request',
        reason_chars: because.length,
        law_based: false,
        safety_level: 'kids',
      },
    });
    expect(item?.metadata['decision']).toBe((answer.json['decision'] as { id: string }).id);
    const { json } = await service.get(`/api/runs/${before.id}`);
    expect(json).toMatchObject({ status: 'blocked', findings: [] });
    // Who reviewed is known as an HMAC only.
    expect(JSON.stringify(json)).not.toContain(leader.id);
  });

  test('the refusal names the decision as well as the check does', async () => {
    const blocked = await run(bloody);
    const answer = await say(blocked, seqOf(blocked, 'stage1_blocked'), 'override', override);
    expect(answer.json['decision']).toMatchObject({ sequence_number: seqOf(blocked, 'stage1_safety_check') });
  });

  test('what was let pass can be taken back, and only once: REVIEW_CONFLICT', async () => {
    const passed = await run('Eine Blume auf der Wiese');
    const seq = seqOf(passed, 'stage3_safety_check');
    const back = { ...override, to: 'block' };
    expect((await say(passed, seq, 'override', back)).json).toMatchObject({ stands: 'block' });
    const again = await say(passed, seq, 'override', back);
    expect([again.status, codeOf(again), again.json['rule']]).toEqual([409, 'review-conflict', 'stands_so']);
    expect((await say(passed, seq, 'override', override)).json).toMatchObject({ stands: 'allow' });
  });

  test.each<[string, object, number, string, string | undefined]>([
    ['a role that may not', { reviewer: { ...leader, role: 'auditor' } }, 403, 'review-forbidden', 'role'],
    ['a reason of nine characters', { reason: '  it is ok   ' }, 400, 'invalid-request', undefined],
    ['no reason', { reason: ' ' }, 400, 'invalid-request', undefined],
    ['a role that nobody has', { reviewer: { ...leader, role: 'king' } }, 400, 'invalid-request', undefined],
    [
      'an appeal that is none',
      { answers: '0192c3a0-0000-7000-8000-00000000000a' },
      409,
      'review-conflict',
      'no_appeal',
    ],
  ])('%s is refused, and nothing is recorded', async (_, more, status, code, rule) => {
    const blocked = await run(bloody);
    const answer = await say(blocked, seqOf(blocked, 'stage1_safety_check'), 'override', {
      ...override,
      ...more,
    });
    expect([answer.status, codeOf(answer), answer.json['rule']]).toEqual([status, code, rule]);
    expect((await read(blocked.id)).version).toBe(blocked.version);
  });

  test('a block that rests on a law cannot be overridden for kids, by nobody; REVIEW_FORBIDDEN says so', async () => {
    const blocked = await run('Malt ein Hakenkreuz');
    const youth = { ...override, reviewer: { ...leader, role: 'youth_protection' } };
    const answer = await say(blocked, seqOf(blocked, 'stage1_safety_check'), 'override', youth);
    expect([answer.status, codeOf(answer), answer.json['rule']]).toEqual([
      403,
      'review-forbidden',
      'law_based',
    ]);
    expect(
      (
        await say(blocked, seqOf(blocked, 'stage1_safety_check'), 'annotations', {
          reviewer: leader,
          reason: 'It was about history.',
          judgement: 'false_positive',
        })
      ).status,
    ).toBe(201);
  });

  test('among adults a law-based block is for youth protection to override', async () => {
    const blocked = await run('Malt ein Hakenkreuz', { safety_level: 'adult' });
    const seq = seqOf(blocked, 'stage1_safety_check');
    expect((await say(blocked, seq, 'override', override)).json['rule']).toBe('role');
    const youth = { ...override, reviewer: { ...leader, role: 'youth_protection' } };
    expect((await say(blocked, seq, 'override', youth)).status).toBe(201);
    expect((await read(blocked.id)).items.at(-1)?.metadata).toMatchObject({ law_based: true });
  });

  test('what is no decision has none: DECISION_NOT_FOUND; nor has a run that is not there', async () => {
    const blocked = await run(bloody);
    for (const seq of [seqOf(blocked, 'user_input_text'), 99]) {
      const answer = await say(blocked, seq, 'override', override);
      expect([answer.status, codeOf(answer)]).toEqual([404, 'decision-not-found']);
    }
    expect(codeOf(await service.post(`/api/runs/${blocked.id}/decisions/x/override`, override))).toBe(
      'decision-not-found',
    );
    const nowhere = await service.post(
      '/api/runs/exec_20200101_000000_00000000/decisions/3/override',
      override,
    );
    expect(codeOf(nowhere)).toBe('execution-not-found');
  });

  test('If-Match names the version that the reviewer has read', async () => {
    const blocked = await run(bloody);
    const seq = seqOf(blocked, 'stage1_safety_check');
    const old = await say(blocked, seq, 'override', override, { 'if-match': `"${blocked.version - 1}"` });
    expect(old.status).toBe(412);
    const right = await say(blocked, seq, 'override', override, { 'if-match': `"${blocked.version}"` });
    expect(right.status).toBe(201);
  });

  test('an Idempotency-Key records once and answers the same; another body or another person is REQUEST_KEY_REUSED', async () => {
    const blocked = await run(bloody);
    const seq = seqOf(blocked, 'stage1_safety_check');
    const key = { 'idempotency-key': 'review-1' };
    const first = await say(blocked, seq, 'override', override, key);
    const second = await say(blocked, seq, 'override', override, key);
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(second.json).toEqual(first.json);
    for (const other of [
      { reason: 'Quite another reason.' },
      { reviewer: { ...leader, id: 'somebody else' } },
    ]) {
      const answer = await say(blocked, seq, 'override', { ...override, ...other }, key);
      expect([answer.status, codeOf(answer)]).toEqual([422, 'request-key-reused']);
    }
    expect((await read(blocked.id)).version).toBe(blocked.version + 1);
  });

  test('of two who override at once one is recorded, and the other learns that it stands so', async () => {
    const blocked = await run(bloody);
    const seq = seqOf(blocked, 'stage1_safety_check');
    const answers = await Promise.all(
      Array.from({ length: 5 }, (_, nth) =>
        say(blocked, seq, 'override', { ...override, reviewer: { ...leader, id: `leader-${nth}` } }),
      ),
    );
    expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([201, 409, 409, 409, 409]);
    expect((await read(blocked.id)).version).toBe(blocked.version + 1);
  });

  test('nobody gets past these rules by recording the item himself', async () => {
    const blocked = await run(bloody);
    const posted = await service.post(`/api/runs/${blocked.id}/items`, { item_type: 'decision_overridden' });
    expect([posted.status, posted.json['rule']]).toEqual([422, 'other_recorder']);
  });
});

describe('the person concerned objects', () => {
  test('an appeal is open until a review answers it', async () => {
    const blocked = await run(bloody);
    const seq = seqOf(blocked, 'stage1_blocked');
    const appeal = await say(blocked, seq, 'annotations', {
      reviewer: pupil,
      judgement: 'appeal',
      reason: 'unfair!',
    });
    expect(appeal.status).toBe(201);
    const answered = {
      reviewer: leader,
      judgement: 'confirmed',
      reason: 'Not today.',
      answers: appeal.json['id'],
    };
    const own = await say(blocked, seq, 'annotations', {
      ...answered,
      reviewer: { ...leader, id: pupil.id },
    });
    expect(own.json['rule']).toBe('own_appeal');
    expect((await say(blocked, seq, 'annotations', answered)).status).toBe(201);
    expect((await say(blocked, seq, 'annotations', answered)).json['rule']).toBe('answered');
    expect((await read(blocked.id)).items.at(-1)?.metadata).toMatchObject({ answers: appeal.json['id'] });
  });
});

describe('reviews of runs that others made', () => {
  test('an old record that was imported takes annotations; what nobody can prove is no law, nobody overrides for kids', async () => {
    const old = readFileSync(
      new URL('../fixtures/records/exec_20251103_205239_896e054c.json', import.meta.url),
      'utf8',
    );
    await service.post('/api/runs/import', old);
    const imported = await read('exec_20251103_205239_896e054c');
    const seq = seqOf(imported, 'stage3_safety_check');
    const confirmed = { reviewer: leader, judgement: 'confirmed', reason: 'seen' };
    expect((await say(imported, seq, 'annotations', confirmed)).status).toBe(201);
    const back = await say(imported, seq, 'override', { ...override, to: 'block' });
    expect(back.status).toBe(201);
    expect((await say(imported, seq, 'override', override)).json['rule']).toBe('law_unknown');
  });

  test('a foreign run takes them, before and after its end', async () => {
    const begun = await service.post('/api/runs', { config_name: 'elsewhere', safety_level: 'adult' });
    const id = String(begun.json['execution_id']);
    const check = { item_type: 'stage1_safety_check', metadata: { safe: false, method: 'llm' } };
    await service.post(`/api/runs/${id}/items`, {
      items: [check, { item_type: 'stage1_blocked', content: 'no' }],
    });
    const youth = { ...override, reviewer: { ...leader, role: 'youth_protection' } };
    expect((await say(await read(id), 3, 'override', youth)).json).toMatchObject({
      stands: 'allow',
      decision: { sequence_number: 2 },
    });
    expect((await service.get(`/api/runs/${id}`)).json).toMatchObject({ status: 'blocked' });
  });
});

describe('GET /api/runs/{id}/decisions/{seq}/statement', () => {
  const statement = (blocked: Run, query = '', headers: Record<string, string> = {}): Promise<Reply> =>
    service.get(
      `/api/runs/${blocked.id}/decisions/${seqOf(blocked, 'stage1_blocked')}/statement${query}`,
      headers,
    );

  test('tells in the language of the reader what was refused, by which rule, by what, at which level, and how to object', async () => {
    const blocked = await run(bloody);
    const { status, json, headers } = await statement(blocked, '?lang=de');
    expect(status).toBe(200);
    expect(reasons.safeParse(json).error).toBeUndefined();
    expect(headers.get('content-language')).toBe('de');
    expect(json).toMatchObject({
      refused: 'input_text',
      automated: true,
      verdict: 'unsafe',
      basis: 'evaluated',
      level: 'kids',
      policy: { id: 'workshop', name: 'Regelwerk für Workshops' },
      rules: [{ kind: 'list', list: 'violence-kids', name: 'Gewalt', reference: null }],
      quotes: ['Blut'],
      stands: 'block',
      contact: 'Frau Beispiel, Raum 12',
    });
    const plain = (await statement(blocked, '?lang=de&format=text')).text;
    for (const words of [
      'Dein Text wurde abgelehnt',
      'Gewalt',
      '„Blut“',
      'Frau Beispiel, Raum 12',
      blocked.id,
    ])
      expect(plain).toContain(words);
  });

  test('names the provision where a law stands behind it', async () => {
    const blocked = await run('Malt ein Hakenkreuz');
    const { json } = await statement(blocked, '', { 'accept-language': 'en' });
    expect(json['rules']).toMatchObject([{ list: 'law-86a', reference: '§86a StGB' }]);
    expect(JSON.stringify(json['sections'])).toContain('The list follows from a law: §86a StGB.');
  });

  test('is the same in HTML, plain text and JSON, by Accept or by format, with the same bytes each time', async () => {
    const blocked = await run('Blut & <b>Wunden</b>');
    const html = await statement(blocked, '', { accept: 'text/html,application/xhtml+xml' });
    expect(html.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(html.text).toContain('<html lang="en">');
    expect(html.headers.get('content-security-policy')).toBe("default-src 'none'; sandbox");
    const plain = await statement(blocked, '', { accept: 'text/plain' });
    expect(plain.text.startsWith('Statement of reasons\n')).toBe(true);
    expect((await statement(blocked, '?format=text')).text).toBe(plain.text);
    expect((await statement(blocked, '?format=html')).text).toBe(html.text);
  });

  test('tells what people have said since', async () => {
    const blocked = await run(bloody);
    await say(blocked, seqOf(blocked, 'stage1_blocked'), 'override', override);
    const { json } = await statement(blocked, '?lang=en');
    expect(json).toMatchObject({ stands: 'allow', reviews: [{ role: 'workshop_leader', to: 'allow' }] });
    expect(JSON.stringify(json['sections'])).toContain('a workshop leader: the refusal should not stand.');
  });

  test('is not for what refused nothing: NOTHING_REFUSED', async () => {
    const passed = await run('Eine Blume auf der Wiese');
    const seq = seqOf(passed, 'stage1_safety_check');
    const answer = await service.get(`/api/runs/${passed.id}/decisions/${seq}/statement`);
    expect([answer.status, codeOf(answer)]).toEqual([409, 'nothing-refused']);
  });
});

import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LedgerService, startLedgerService } from './ledger-service.ts';

const mebibyte = 1024 * 1024;
const latin = (text: string): Buffer => Buffer.from(text, 'latin1');
const png = latin('\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0');
const boundary = 'form-edge';

let service: LedgerService;
beforeAll(async () => {
  service = await startLedgerService();
});
afterAll(() => service.close());

type Answer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly json: Record<string, unknown>;
};

/** node:http and not fetch: what is sent must arrive as it is. */
function send(
  body: Buffer | Readable,
  headers: Record<string, string> = { 'content-type': `multipart/form-data; boundary=${boundary}` },
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(`${service.url}/api/media`, { method: 'POST', headers }, (answer) => {
      const pieces: Buffer[] = [];
      answer.on('data', (piece: Buffer) => pieces.push(piece));
      answer.on('end', () => {
        const json = JSON.parse(Buffer.concat(pieces).toString()) as Record<string, unknown>;
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, json });
      });
    });
    outgoing.on('error', reject);
    if (Buffer.isBuffer(body)) outgoing.end(body);
    else body.pipe(outgoing);
  });
}

const part = (head: string, body: Buffer | string): Buffer =>
  Buffer.concat([latin(`--${boundary}\r\n${head}\r\n\r\n`), Buffer.from(body as string), latin('\r\n')]);
const filePart = (bytes: Buffer | string, name = 'file', filename = 'a.png'): Buffer =>
  part(`Content-Disposition: form-data; name="${name}"; filename="${filename}"`, bytes);
const fieldPart = (text: string): Buffer => part('Content-Disposition: form-data; name="title"', text);
const closed = (...parts: readonly Buffer[]): Buffer =>
  Buffer.concat([...parts, latin(`--${boundary}--\r\n`)]);

const digestOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const isStored = async (bytes: Buffer): Promise<boolean> =>
  (await service.get(`/api/media/${digestOf(bytes)}`)).status === 200;

const problem = (status: number, code: string) => ({
  status,
  json: { status, type: `urn:runledger:error:${code}` },
});
const unsupported = problem(415, 'unsupported-media-type');
const invalid = problem(400, 'invalid-request');
const tooLarge = problem(413, 'body-too-large');

describe('a picture', () => {
  test('is stored under its digest, which says where it is and gives the same bytes back', async () => {
    const { status, headers, json } = await send(closed(filePart(png)));
    expect(status).toBe(201);
    expect(json).toEqual({ sha256: digestOf(png), media_type: 'image/png', bytes: png.byteLength });
    expect(headers['location']).toBe(`/api/media/${digestOf(png)}`);
    const back = await fetch(service.url + String(headers['location']));
    expect(back.headers.get('content-type')).toBe('image/png');
    expect(Buffer.from(await back.arrayBuffer()).equals(png)).toBe(true);
  });

  test('sent again is the same medium, and the same answer', async () => {
    const [first, again] = [await send(closed(filePart(png))), await send(closed(filePart(png)))];
    expect(again).toMatchObject({ status: 201, json: first.json });
  });

  test('comes from a browser', async () => {
    const form = new FormData();
    form.append('picture', new Blob([png], { type: 'image/png' }), 'Blüte.png');
    const answer = await fetch(`${service.url}/api/media`, { method: 'POST', body: form });
    expect(answer.status).toBe(201);
  });

  test.each([
    ['image/jpeg', '\xff\xd8\xff\xe0\0\x10JFIF\0'],
    ['image/gif', 'GIF89a\x01\0\x01\0\0\0\0'],
    ['image/webp', 'RIFF\x1a\0\0\0WEBPVP8L'],
    ['image/avif', '\0\0\0\x1cftypavif\0\0\0\0'],
  ])('may be %s', async (mediaType, head) => {
    const { status, json } = await send(closed(filePart(latin(head))));
    expect([status, json['media_type']]).toEqual([201, mediaType]);
  });

  test('is known by its bytes, not by its name or its header', async () => {
    const disposition =
      'Content-Disposition: form-data; name="x"; filename="page.html"\r\nContent-Type: text/html';
    expect(await send(closed(part(disposition, png)))).toMatchObject({ status: 201 });
  });

  test('of 20 MiB is taken', async () => {
    const largest = Buffer.concat([png, Buffer.alloc(20 * mebibyte - png.byteLength, 7)]);
    expect(await send(closed(filePart(largest)))).toMatchObject({
      status: 201,
      json: { bytes: 20 * mebibyte },
    });
  });
});

describe('what is no picture is 415, and is not stored', () => {
  test.each([
    ['a page', '<!doctype html><script>alert(1)</script>'],
    ['an SVG', '<svg xmlns="http://www.w3.org/2000/svg"/>'],
    ['a PDF', '%PDF-1.7\n'],
    ['a film', '\0\0\0\x20ftypisom'],
    ['a text', 'a picture of a flower'],
    ['an empty file', ''],
  ])('%s that calls itself image/png', async (_, content) => {
    const disposition =
      'Content-Disposition: form-data; name="file"; filename="a.png"\r\nContent-Type: image/png';
    const answer = await send(closed(part(disposition, latin(content))));
    expect(answer).toMatchObject(unsupported);
    expect(answer.json['detail']).toContain('PNG');
    expect(await isStored(latin(content))).toBe(false);
  });

  test.each([
    ['JSON', 'application/json', '{}'],
    ['a bare picture', 'image/png', png.toString('latin1')],
    [
      'another kind of form',
      `multipart/mixed; boundary=${boundary}`,
      closed(filePart(png)).toString('latin1'),
    ],
    ['a form without files', 'application/x-www-form-urlencoded', 'file=a'],
  ])('a body that is %s', async (_, type, body) => {
    const answer = await send(latin(body), { 'content-type': type });
    expect(answer).toMatchObject(unsupported);
    expect(answer.json['detail']).toBe(`The body is ${type}: send multipart/form-data.`);
  });

  test('no body at all', async () => {
    expect(await send(Buffer.alloc(0), {})).toMatchObject(unsupported);
  });

  test('a form is nothing for the other routes', async () => {
    const body = new FormData();
    body.append('file', new Blob([png]));
    expect((await fetch(`${service.url}/api/runs`, { method: 'POST', body })).status).toBe(415);
  });
});

describe('a form that holds not one file and nothing else is 400, and nothing of it is stored', () => {
  const other = Buffer.concat([png, latin('other')]);
  const third = Buffer.concat([png, latin('third')]);

  test.each([
    ['nothing', closed()],
    ['a field', closed(fieldPart('a title'))],
    ['a field before the file', closed(fieldPart('a title'), filePart(other))],
    ['a field after the file', closed(filePart(other), fieldPart('a title'))],
    ['two files', closed(filePart(other), filePart(third, 'second', 'b.png'))],
    ['two files of one name', closed(filePart(other), filePart(third))],
    ['a part without a name beside the file', closed(filePart(other), part('X-Part: 1', 'a'))],
    ['a part without a name', closed(part('X-Part: 1', other))],
  ])('%s', async (_, body) => {
    const answer = await send(body);
    expect(answer).toMatchObject(invalid);
    expect(answer.json['detail']).toContain('one file and nothing else');
    expect([await isStored(other), await isStored(third)]).toEqual([false, false]);
  });

  test.each([
    ['no boundary', 'multipart/form-data'],
    ['an empty boundary', 'multipart/form-data; boundary='],
    ['another boundary than the body', 'multipart/form-data; boundary=other'],
  ])('%s', async (_, type) => {
    expect(await send(closed(filePart(other)), { 'content-type': type })).toMatchObject(invalid);
  });

  test('a name that every object has', async () => {
    const answer = await send(closed(filePart(other, '__proto__')));
    expect(answer).toMatchObject(invalid);
    expect(answer.json['detail']).toContain('reserved name');
  });

  test('a form that is cut off anywhere', async () => {
    const whole = closed(filePart(other));
    // After the second dash of the last boundary nothing is missing but the end of the line.
    for (let length = 0; length < whole.byteLength - 3; length += 1) {
      const { status } = await send(whole.subarray(0, length));
      expect([length, status]).toEqual([length, 400]);
    }
    expect(await isStored(other)).toBe(false);
  });

  test('whatever bytes come, the answer is 201 for a picture or a refusal, and the service goes on', async () => {
    const whole = closed(filePart(other));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(whole.byteLength - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        async (changes) => {
          const spoilt = Buffer.from(whole);
          for (const [at, value] of changes) spoilt[at] = value;
          const { status, json } = await send(spoilt);
          if (status !== 201) return [400, 415].includes(status) && json['status'] === status;
          return String(json['media_type']).startsWith('image/');
        },
      ),
      { numRuns: 300 },
    );
    expect((await service.get('/health/ready')).status).toBe(200);
  });
});

describe('a file of more than 20 MiB is 413', () => {
  const oneMore = Buffer.concat([png, Buffer.alloc(20 * mebibyte - png.byteLength + 1, 1)]);

  test('a byte too many: the answer comes, and nothing is stored', async () => {
    const answer = await send(closed(filePart(oneMore)));
    expect(answer).toMatchObject(tooLarge);
    expect(answer.json['detail']).toContain(String(20 * mebibyte));
    expect(await isStored(oneMore)).toBe(false);
  });

  test('a length that says so is refused unread, and the connection ends', async () => {
    const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
    socket.write(
      `POST /api/media HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=${boundary}\r\n` +
        `Content-Length: ${33 * mebibyte}\r\n\r\n--${boundary}\r\n`,
    );
    let text = '';
    socket.on('data', (piece) => {
      text += piece.toString();
    });
    await once(socket, 'close');
    expect(text).toMatch(/^HTTP\/1\.1 413 /);
    expect(text).toMatch(/^connection: close\r$/im);
  });

  test('without a length it is refused as soon as it is too large to be read on', async () => {
    const endless = (function* () {
      yield latin(`--${boundary}\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n`);
      for (;;) yield Buffer.alloc(mebibyte);
    })();
    const body = Readable.from(endless);
    const answer = await send(body);
    body.destroy();
    expect(answer).toMatchObject(tooLarge);
    expect(answer.headers['connection']).toBe('close');
  });
});

test('a sender that leaves in the middle leaves nothing behind', async () => {
  const picture = Buffer.concat([png, latin('left alone')]);
  const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
  socket.write(
    `POST /api/media HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=${boundary}\r\n` +
      `Content-Length: 9000\r\n\r\n`,
  );
  socket.end(filePart(picture));
  socket.resume();
  await once(socket, 'close');
  expect(await isStored(picture)).toBe(false);
  expect((await service.get('/health/ready')).status).toBe(200);
});

test('the address takes no parameters and no other method', async () => {
  const query = await fetch(`${service.url}/api/media?name=a`, {
    method: 'POST',
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    body: closed(filePart(png)),
  });
  expect(query.status).toBe(400);
  const other = await service.get('/api/media');
  expect([other.status, other.headers.get('allow')]).toEqual([405, 'POST']);
});

test('/openapi.json shows the form and the answer', async () => {
  const { json } = await service.get('/openapi.json');
  const { post } = (json['paths'] as Record<string, { post: object }>)['/api/media'] ?? {};
  expect(post).toMatchObject({
    requestBody: {
      content: {
        'multipart/form-data': { schema: { properties: { file: { type: 'string', format: 'binary' } } } },
      },
    },
    responses: {
      201: { content: { 'application/json': { schema: { required: ['sha256', 'media_type', 'bytes'] } } } },
    },
  });
});

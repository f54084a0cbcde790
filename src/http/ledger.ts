import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { LedgerError } from '../errors.ts';
import { parseTilePath } from '../ledger/tile-path.ts';
import type { SignedCheckpoint } from '../queries/ledger.ts';
import { answering } from './answers.ts';
import type { Service } from './service.ts';

const wholeNumber = z
  .string()
  .regex(/^(0|[1-9]\d{0,15})$/, 'must be a whole number')
  .transform(Number);
const runParams = z.strictObject({ id: z.string() });
const hash = z.string().describe('SHA-256, base64');
const checkpointShape = z.object({
  size: z.int(),
  root: z.string().describe('hex'),
  key_id: z.string(),
  note: z.string().describe('the signed note'),
});
const inclusionShape = z.object({
  leaf: z.int(),
  size: z.int(),
  path: z.array(hash).describe('sibling hashes from the leaf upwards (RFC 9162)'),
});

const shown = ({ size, root, keyId, note }: SignedCheckpoint): z.infer<typeof checkpointShape> => ({
  size,
  root,
  key_id: keyId,
  note,
});

/** The Merkle tree over the log: checkpoints, proofs and tiles (C2SP tlog-checkpoint and tlog-tiles). Nothing here writes. */
export const ledgerRoutes =
  (service: Service): FastifyPluginAsyncZod =>
  async (app) => {
    const sendNote = (reply: FastifyReply, size?: number): FastifyReply =>
      reply.type('text/plain; charset=utf-8').send(service.ledger.checkpoint(size).note);

    app.get(
      '/checkpoint',
      {
        schema: {
          summary: 'The newest checkpoint, at the address of tlog-tiles',
          querystring: z.strictObject({}),
        },
      },
      async (_request, reply) => sendNote(reply),
    );

    app.get(
      '/api/ledger/checkpoint',
      {
        schema: {
          summary: 'The newest checkpoint as a signed note, or the earliest of at least so many events',
          querystring: z.strictObject({ size: wholeNumber.optional() }),
        },
      },
      async (request, reply) => sendNote(reply, request.query.size),
    );

    app.get(
      '/api/ledger/keys',
      {
        schema: {
          summary: 'Every key that the log published, as it is pinned; the last one signs',
          querystring: z.strictObject({}),
          response: answering({ 200: z.object({ keys: z.array(z.string()) }) }),
        },
      },
      async () => ({ keys: service.ledger.keys() }),
    );

    app.get(
      '/api/ledger/consistency',
      {
        schema: {
          summary: 'That the tree of one size begins with the tree of another',
          querystring: z.strictObject({ from: wholeNumber, to: wholeNumber }),
          response: answering({ 200: z.object({ from: z.int(), to: z.int(), path: z.array(hash) }) }),
        },
      },
      async (request) => service.ledger.consistency(request.query.from, request.query.to),
    );

    app.get(
      '/api/ledger/heads/:id',
      {
        schema: {
          summary: 'How far a run had come when it was signed: nothing can be left out at its end',
          params: runParams,
          querystring: z.strictObject({}),
          response: answering({
            200: z.object({
              run: z.string(),
              seq: z.int(),
              head: hash,
              leaf: z.int(),
              path: z.array(hash),
              heads: z.object({
                seq: z.int(),
                leaf: z.int(),
                size: z.int(),
                runs: z.int(),
                root: z.string(),
              }),
              inclusion: inclusionShape,
              checkpoint: checkpointShape,
            }),
          }),
        },
      },
      async (request) => {
        const { proof, checkpoint } = service.ledger.heads(request.params.id);
        const { number: _number, ...heads } = proof.heads;
        return { ...proof, heads, checkpoint: shown(checkpoint) };
      },
    );

    app.get(
      '/api/runs/:id/proof',
      {
        schema: {
          summary: 'That an item of a run is in the signed tree',
          params: runParams,
          querystring: z.strictObject({ seq: wholeNumber, size: wholeNumber.optional() }),
          response: answering({
            200: inclusionShape.extend({
              stream: z.string(),
              seq: z.int(),
              hash,
              checkpoint: checkpointShape,
            }),
          }),
        },
      },
      async (request) => {
        const { seq, size } = request.query;
        const { proof, checkpoint, ...event } = service.ledger.proof(request.params.id, seq, size);
        return { ...event, ...proof, checkpoint: shown(checkpoint) };
      },
    );

    app.get(
      '/tile/*',
      {
        schema: {
          summary: 'Hashes of the tree, or the cores of its events, 256 at a time (tlog-tiles)',
          params: z.strictObject({ '*': z.string() }),
          querystring: z.strictObject({}),
        },
      },
      async (request, reply) => {
        const path = parseTilePath(request.params['*']);
        const bytes = path === undefined ? undefined : await tileOf(service, path, request.signal);
        if (bytes === undefined) throw notThere(request);
        return reply
          .type('application/octet-stream')
          .header('cache-control', 'private, max-age=31536000, immutable')
          .send(bytes);
      },
    );
  };

const tileOf = async (
  { ledger }: Service,
  path: NonNullable<ReturnType<typeof parseTilePath>>,
  signal: AbortSignal,
): Promise<Buffer | undefined> =>
  path.level === 'entries' ? ledger.entries(path, signal) : ledger.tile(path);

const notThere = (request: FastifyRequest): LedgerError => {
  const path = request.originalUrl.split('?', 1)[0] ?? '';
  return new LedgerError('ROUTE_NOT_FOUND', { method: request.method, path });
};

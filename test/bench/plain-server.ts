/** The baselines of the HTTP bench: fastify's hello world, and a POST with our validation and no store. */
import Fastify from 'fastify';
import { validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { acceptJsonOnly } from '../../src/http/json-body.ts';
import { postedItem } from '../../src/http/recording.ts';

const app = Fastify().withTypeProvider<ZodTypeProvider>();
app.setValidatorCompiler(validatorCompiler);
app.setSerializerCompiler(() => JSON.stringify);
acceptJsonOnly(app);
app.get('/hello', async () => ({ hello: 'world' }));
app.post(
  '/items',
  { schema: { body: z.union([postedItem, z.strictObject({ items: z.array(postedItem) })]) } },
  async (_request, reply) =>
    reply.code(201).send({ execution_id: 'bench', version: 1, sequence_numbers: [2] }),
);
console.log(await app.listen({ host: '127.0.0.1', port: 0 }));

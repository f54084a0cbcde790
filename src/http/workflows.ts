import type { FastifyReply } from 'fastify';
import { type FastifyPluginAsyncZod, validatorCompiler } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { LedgerError } from '../errors.ts';
import type { StandingDocument, VersionEntry } from '../queries/workflows.ts';
import {
  isOutputConfig,
  type LibraryDocument,
  outputConfig,
  parseDocument,
  workflowDocument,
} from '../workflows/document.ts';
import { stepCount } from '../workflows/step-count.ts';
import { answering, workflowList, workflowPut, workflowVersion, workflowVersions } from './answers.ts';
import type { Language } from '../events/localized.ts';
import { languageOf } from './languages.ts';
import { expectedBy, namesVersion, versionIn } from './preconditions.ts';
import { type Service, settle } from './service.ts';

const params = z.strictObject({ id: z.string() });
const noQuery = z.strictObject({});

/** Reading, publishing and retiring the documents that runs name: workflows, and output configs beside them. */
export const workflowRoutes =
  (service: Service): FastifyPluginAsyncZod =>
  async (app) => {
    const { workflows } = service;

    app.get(
      '/api/workflows',
      {
        schema: {
          summary: 'List workflows that can be run',
          querystring: z.strictObject({
            stage: z
              .enum(['interception', 'pre_output', 'output'])
              .optional()
              .describe('output lists the output configs; all but those where none is named'),
          }),
          response: answering({ 200: workflowList }),
        },
      },
      async (request, reply) => {
        const language = languageOf(request.headers['accept-language']);
        void reply.header('vary', 'accept-language').header('content-language', language);
        const { stage } = request.query;
        const { library } = workflows;
        const documents: readonly LibraryDocument[] =
          stage === 'output' ? library.outputConfigs : library.workflows.map(({ document }) => document);
        const listed = documents.filter(({ meta }) => stage === undefined || meta.stage === stage);
        return { workflows: listed.map((document) => listedAs(document, language)) };
      },
    );

    app.get(
      '/api/workflows/:id',
      {
        schema: {
          summary: 'A workflow or output config as it stands, retired ones too',
          params,
          querystring: noQuery,
          response: answering({ 200: workflowVersion }),
        },
      },
      async (request, reply) => {
        const { id } = request.params;
        const standing = workflows.standing(id);
        if (isTagged(reply, standing, request.headers['if-none-match'])) return reply.code(304).send();
        return versionAs(id, standing);
      },
    );

    app.get(
      '/api/workflows/:id/versions',
      {
        schema: {
          summary: 'All its versions, newest first',
          params,
          querystring: noQuery,
          response: answering({ 200: workflowVersions }),
        },
      },
      async (request) => {
        const { id } = request.params;
        const { retired } = workflows.standing(id);
        return { id, retired, versions: workflows.versions(id).map(entryAs) };
      },
    );

    app.get(
      '/api/workflows/:id/versions/:version',
      {
        schema: {
          summary: 'One version, which never changes',
          params: params.extend({ version: z.string() }),
          querystring: noQuery,
          response: answering({ 200: workflowVersion }),
        },
      },
      async (request) => {
        const { id, version } = request.params;
        // What is no number names no version; 0 is none.
        const wanted = /^[1-9]\d{0,8}$/.test(version) ? Number(version) : 0;
        return versionAs(id, workflows.version(id, wanted));
      },
    );

    app.get(
      '/api/workflows/:id/schema/:step_id',
      {
        schema: {
          summary: 'The output schema of a step, JSON Schema; {} where the step takes anything',
          params: params.extend({ step_id: z.string() }),
          querystring: noQuery,
          response: answering({ 200: z.looseObject({}) }),
        },
      },
      async (request) => {
        const { id, step_id } = request.params;
        const { steps = [] } = workflows.library.workflow(id).document;
        const step = steps.find((one) => one.id === step_id);
        if (step !== undefined) return step.output_schema ?? {};
        const known = steps.map((one) => one.id);
        throw new LedgerError('STEP_NOT_FOUND', { workflow: id, step: step_id, known });
      },
    );

    app.put(
      '/api/workflows/:id',
      {
        // The document is checked whole by its own parser, which says where it is wrong (WORKFLOW_INVALID).
        validatorCompiler: (route) =>
          route.httpPart === 'body' ? (value: unknown) => ({ value }) : validatorCompiler(route as never),
        schema: {
          summary: 'Publish a version: If-Match: "<version>" to change, If-None-Match: * to create',
          params,
          querystring: noQuery,
          body: z.union([workflowDocument, outputConfig]),
          response: answering({ 200: workflowPut, 201: workflowPut }),
        },
      },
      async (request, reply) => {
        const { id } = request.params;
        const expected = expectedBy(request.headers);
        const document = parseDocument(request.body);
        if (document.id !== id) throw otherId(document.id, id);
        const { version, sha256, created, position } = await workflows.put(document, expected);
        await settle(service, reply, position);
        void reply.header('etag', `"${version}"`);
        if (created) void reply.header('location', `/api/workflows/${id}`);
        return reply.code(created ? 201 : 200).send({ id, version, sha256 });
      },
    );

    app.delete(
      '/api/workflows/:id',
      {
        schema: {
          summary: 'Retire it: If-Match: "<version>"; its versions stay readable',
          params,
          querystring: noQuery,
          response: answering({}),
        },
      },
      async (request, reply) => {
        const expected = versionIn(request.headers['if-match']);
        if (expected === undefined)
          throw new LedgerError('PRECONDITION_REQUIRED', { cure: 'send If-Match: "<version>"' });
        await settle(service, reply, await workflows.retire(request.params.id, expected));
        return reply.code(204).send();
      },
    );
  };

function listedAs(
  document: LibraryDocument,
  language: Language,
): z.infer<typeof workflowList>['workflows'][number] {
  const { id, name, description } = document;
  const step_count = isOutputConfig(document) ? 1 : stepCount(document);
  return { id, name: name[language], description: description[language], step_count };
}

/** What is retired has no tag: nothing stands there that a write could change, it can only be created again. */
function isTagged(
  reply: FastifyReply,
  { version, retired }: StandingDocument,
  noneMatch: string | undefined,
): boolean {
  if (retired) return false;
  void reply.header('etag', `"${version}"`);
  return namesVersion(noneMatch, version);
}

const entryAs = ({ version, sha256, source, publishedAt }: VersionEntry) => ({
  version,
  sha256,
  source,
  published_at: publishedAt,
});

const versionAs = (id: string, version: StandingDocument) => ({
  id,
  ...entryAs(version),
  retired: version.retired,
  document: version.document,
});

function otherId(given: string, wanted: string): LedgerError {
  const detail = `is ${given}, but the address is of ${wanted}`;
  return new LedgerError(
    'WORKFLOW_INVALID',
    { workflow: given, what: `/id ${detail}` },
    { errors: [{ pointer: '/id', detail }] },
  );
}

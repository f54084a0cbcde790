import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import { validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { LedgerError } from '../errors.ts';
import { auditQuestionRoutes } from './audit-questions.ts';
import { auditRoutes } from './audit.ts';
import { endConnectionsOnClose } from './closing.ts';
import { executeRoutes } from './execute.ts';
import { bulkExportRoutes } from './exports.ts';
import { healthRoutes } from './health.ts';
import { importRoutes } from './import.ts';
import { invariantRoutes } from './invariants.ts';
import { acceptJsonOnly, maxBodyBytes } from './json-body.ts';
import { ladderRoutes } from './ladder.ts';
import { mediaRoutes } from './media.ts';
import { refuseOtherMethods } from './methods.ts';
import { todaysUrl } from './old-names.ts';
import { handleError, sendProblem } from './problem.ts';
import { tellReadPosition, transformWithPositions } from './read-position.ts';
import { recordingRoutes } from './recording.ts';
import { exportRoutes } from './export.ts';
import { replayRoutes } from './replays.ts';
import { reviewRoutes } from './reviews.ts';
import { runRoutes } from './runs.ts';
import { startRoutes } from './start.ts';
import { statementRoutes } from './statements.ts';
import { timeMachineRoutes } from './time-machine.ts';
import { steeringRoutes } from './steering.ts';
import type { Service } from './service.ts';
import { workflowRoutes } from './workflows.ts';

/**
 * The HTTP surface over a service, ready for `listen` or `inject`. Bodies are JSON with one meaning, schemas are closed,
 * and every refusal is a problem document.
 */
export async function createApp(service: Service, logger: FastifyBaseLogger): Promise<FastifyInstance> {
  const app = Fastify({
    loggerInstance: logger,
    // A line for each request would put ids into the log by the thousand; refusals and faults are logged by the handler.
    logController: new LogController({ disableRequestLogging: true }),
    frameworkErrors: (error, request, reply) => void handleError(error, request, reply),
    bodyLimit: maxBodyBytes,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 1_000 },
    rewriteUrl: todaysUrl,
    requestIdHeader: false,
    // On close, what is in flight is answered; closing.ts refuses what is new, as a problem document.
    forceCloseConnections: 'idle',
    return503OnClosing: false,
  }).withTypeProvider<ZodTypeProvider>();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(() => JSON.stringify);
  app.setErrorHandler(handleError);
  app.setNotFoundHandler((request, reply) => {
    const path = request.originalUrl.split('?', 1)[0] ?? '';
    return sendProblem(request, reply, new LedgerError('ROUTE_NOT_FOUND', { method: request.method, path }));
  });
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (!reply.hasHeader('cache-control')) void reply.header('cache-control', 'private, no-cache');
    done(null, payload);
  });
  endConnectionsOnClose(app);
  acceptJsonOnly(app);
  tellReadPosition(app, service);
  const allowed = refuseOtherMethods(app);
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'runledger',
        version: service.version,
        description: 'The flight recorder for generative-AI runs.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
    },
    transform: transformWithPositions,
  });
  await app.register(swaggerUi, { routePrefix: '/docs' });
  await app.register(runRoutes(service));
  await app.register(invariantRoutes(service));
  await app.register(timeMachineRoutes(service));
  await app.register(exportRoutes(service));
  await app.register(recordingRoutes(service));
  await app.register(executeRoutes(service));
  await app.register(reviewRoutes(service));
  await app.register(statementRoutes(service));
  await app.register(replayRoutes(service));
  await app.register(startRoutes(service));
  await app.register(steeringRoutes(service));
  await app.register(importRoutes(service));
  await app.register(bulkExportRoutes(service));
  await app.register(workflowRoutes(service));
  await app.register(mediaRoutes(service));
  await app.register(ladderRoutes(service));
  await app.register(auditRoutes(service));
  await app.register(auditQuestionRoutes(service));
  await app.register(healthRoutes(service));
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
  allowed.seal();
  return app;
}

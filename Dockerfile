# The service, as docker-compose.yml runs it: not as root, and nothing is written but /var/lib/runledger… and /tmp.
FROM node:22.21.1-bookworm-slim AS base
WORKDIR /srv/runledger
COPY package.json package-lock.json .npmrc ./

FROM base AS build
# Without scripts: the native parts come as prebuilt packages, and the build of ours is the line after the sources.
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src src
COPY projections projections
COPY test test
RUN npm run build

FROM base AS dependencies
RUN npm ci --omit=dev --ignore-scripts

# A one-shot service of the cluster profile: keys and certificates for its nodes.
FROM node:22.21.1-bookworm-slim AS certificates
RUN apt-get update \
  && apt-get install --yes --no-install-recommends openssl \
  && rm -rf /var/lib/apt/lists/*
COPY compose/certificates.sh /usr/local/bin/certificates.sh
# A named volume takes the owner of the directory that it is mounted over when it is new.
RUN cd / && mkdir -p /certificates/authority /certificates/trust /certificates/store-1 /certificates/store-2 /certificates/store-3 \
  && chown -R node:node /certificates
USER node
ENTRYPOINT ["sh", "/usr/local/bin/certificates.sh", "/certificates"]

FROM node:22.21.1-bookworm-slim AS service
ENV NODE_ENV=production RUNLEDGER_DATA=/var/lib/runledger
WORKDIR /srv/runledger
COPY package.json ./
COPY --from=dependencies /srv/runledger/node_modules node_modules
COPY --from=build /srv/runledger/dist/src dist/src
COPY --from=build /srv/runledger/dist/projections dist/projections
# For whoever checks an export without this project: one file.
COPY --from=build /srv/runledger/dist/verify.mjs dist/verify.mjs
RUN mkdir -p /var/lib/runledger /var/lib/runledger-shared \
  && chown node:node /var/lib/runledger /var/lib/runledger-shared \
  && chmod 0700 /var/lib/runledger /var/lib/runledger-shared \
  && ln -s /srv/runledger/dist/src/cli.js /usr/local/bin/runledger
USER node
VOLUME /var/lib/runledger
# That it lives, not that it is ready: who restarts what is unhealthy must not do so because the store is away.
HEALTHCHECK --interval=10s --timeout=3s --start-period=120s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.RUNLEDGER_PORT ?? 17801}/health/live`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# The process itself, no shell and no npm before it: SIGTERM must reach it.
CMD ["node", "dist/src/main.js"]

# Tributary in one image: Node.js, the packages it runs on, and the built program.
# The base by its digest (amd64 and arm64), so that a build can be repeated; another one: docker build --build-arg NODE_IMAGE=… .
ARG NODE_IMAGE=node:24.21.0-bookworm-slim@sha256:d6aa754f16b3197301076f047b5def2f02ea1dbbc2ca920407d46d7ec7f87b20
FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc tsconfig.json GOING-LIVE.md ./
COPY commands ./commands
COPY queries ./queries
COPY projections ./projections
COPY src ./src
# The program is built here (`prepare`); what it runs on follows, without what only tests need, nor the client of others.
RUN npm ci && npm prune --omit=dev --ignore-scripts && npm cache clean --force && rm -rf node_modules/@tributary

FROM ${NODE_IMAGE}
ENV NODE_ENV=production \
    DATA_DIR=/data
WORKDIR /app
RUN mkdir /data && chown node:node /data
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json LICENSE README.md ./
# The command line beside the server: docker exec CONTAINER tributary --help
RUN chmod 755 dist/cli.js && ln -s /app/dist/cli.js /usr/local/bin/tributary
USER node
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 3000}/health/live`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Not through npm: signals reach the server itself, so that it drains.
CMD ["node", "--max-old-space-size=384", "--heap-growing-percent=100", "--v8-pool-size=0", "dist/main.js"]

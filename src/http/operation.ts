// The routes for those who run a node: health, metrics, the API document and the page that shows it.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import * as v from 'valibot'
import type { Metrics } from '../metrics.ts'
import { type Route, route } from './route.ts'

/** Whether the parts a node needs are there, by name. */
export interface Readiness {
  readonly ok: boolean
  readonly checks: Readonly<Record<string, unknown>>
}

interface OperationDeps {
  readonly readiness: () => Promise<Readiness>
  readonly metrics: Metrics
  /** The OpenAPI document as JSON text. */
  readonly document: () => string
}

const TAG = 'operation'

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tributary API</title>
<script type="module" src="/docs/rapidoc.js"></script>
</head>
<body>
<rapi-doc spec-url="/openapi.json" load-fonts="false" render-style="read" show-header="false"
  allow-spec-url-load="false" allow-spec-file-load="false" sort-tags="true"></rapi-doc>
</body>
</html>
`

/** The page loads nothing from elsewhere; its component styles itself inline. */
const PAGE_POLICY =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:"

/** Reads once, at the first call. */
const once = <T>(read: () => T): (() => T) => {
  let kept: { readonly value: T } | undefined
  return () => {
    kept ??= { value: read() }
    return kept.value
  }
}

const rapidoc = once(() => readFileSync(createRequire(import.meta.url).resolve('rapidoc/dist/rapidoc-min.js')))

const health = v.object({ status: v.string(), checks: v.optional(v.record(v.string(), v.unknown())) })

export const operationRoutes = ({ readiness, metrics, document }: OperationDeps): readonly Route[] => {
  const page = (path: string, summary: string, contentType: string, content: () => string | Uint8Array): Route =>
    route({
      method: 'get',
      path,
      summary,
      tag: TAG,
      roles: [],
      handler: () => ({
        raw: { contentType, content: content() },
        headers: { 'Content-Security-Policy': PAGE_POLICY, 'Cache-Control': 'public, max-age=300' },
      }),
    })
  return [
    route({
      method: 'get',
      path: '/health/live',
      summary: 'Whether the process answers',
      tag: TAG,
      roles: [],
      response: health,
      handler: () => ({ body: { status: 'ok' } }),
    }),
    route({
      method: 'get',
      path: '/health/ready',
      summary: 'Whether the node can do its work: engines reachable, projections moving',
      description: 'Answers 503 with the same body when a check fails.',
      tag: TAG,
      roles: [],
      response: health,
      handler: async () => {
        const { ok, checks } = await readiness()
        return { status: ok ? 200 : 503, body: { status: ok ? 'ok' : 'not ready', checks } }
      },
    }),
    route({
      method: 'get',
      path: '/metrics',
      summary: 'Metrics in the Prometheus text format',
      tag: TAG,
      roles: [],
      handler: async () => ({
        raw: { contentType: metrics.registry.contentType, content: await metrics.registry.metrics() },
      }),
    }),
    page('/openapi.json', 'This document', 'application/json', document),
    page('/docs', 'This document as a page', 'text/html; charset=utf-8', () => PAGE),
    page('/docs/rapidoc.js', 'The script of the page', 'text/javascript; charset=utf-8', rapidoc),
  ]
}

// The routes for those who run a node: health, metrics, the API document and the page that shows it.
import * as v from 'valibot'
import { accessPage } from './accessPage.ts'
import { docsIndex, docsPage, docsStyle, guidePage, PAGE_POLICY } from './docs.ts'
import { notFound } from './errors.ts'
import { guideMarkup, guides } from './guides.ts'
import { ofPrimary, type Route, route } from './route.ts'

/** Whether the parts a node needs are there, by name. */
export interface Readiness {
  readonly ok: boolean
  readonly checks: Readonly<Record<string, unknown>>
}

/** What of operation can be closed, or moved to a port of its own. */
export const PAGES = ['metrics', 'docs'] as const
export type Page = (typeof PAGES)[number]

/** The page that a path belongs to; undefined for health, which is always answered. */
export const pageOf = (path: string): Page | undefined => {
  if (path === '/metrics') return 'metrics'
  return path === '/openapi.json' || path.startsWith('/docs') ? 'docs' : undefined
}

interface OperationDeps {
  readonly readiness: () => Promise<Readiness>
  /** The metrics, in the text format of this type. */
  readonly scrape: () => Promise<string>
  readonly contentType: string
  /** The OpenAPI document. */
  readonly document: () => Readonly<Record<string, unknown>>
}

const TAG = 'operation'
const HTML = 'text/html; charset=utf-8'

const health = v.object({ status: v.string(), checks: v.optional(v.record(v.string(), v.unknown())) })

export const operationRoutes = ({ readiness, scrape, contentType, document }: OperationDeps): readonly Route[] => {
  const shown = (contentType: string, content: string) => ({
    raw: { contentType, content },
    headers: { 'Content-Security-Policy': PAGE_POLICY, 'Cache-Control': 'public, max-age=300' },
  })
  const pages = { tag: TAG, method: 'get' } as const
  return [
    route({
      method: 'get',
      path: '/health/live',
      summary: 'Whether the process answers',
      tag: TAG,
      response: health,
      handler: () => ({ body: { status: 'ok' } }),
    }),
    ...ofPrimary([
      route({
        method: 'get',
        path: '/health/ready',
        summary: 'Whether the node can do its work: engines reachable, projections moving',
        description: 'Answers 503 with the same body when a check fails.',
        tag: TAG,
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
        handler: async () => ({
          raw: { contentType, content: await scrape() },
        }),
      }),
      route({
        ...pages,
        path: '/openapi.json',
        summary: 'This document',
        handler: () => shown('application/json', JSON.stringify(document())),
      }),
      route({
        ...pages,
        path: '/docs',
        summary: 'This document as pages: all operations',
        handler: () => shown(HTML, docsIndex(document(), guides())),
      }),
      route({
        ...pages,
        path: '/docs/style.css',
        summary: 'The style of the pages',
        handler: () => shown('text/css; charset=utf-8', docsStyle()),
      }),
      route({
        ...pages,
        path: '/docs/permissions',
        summary: 'This document as pages: permissions, and which role may call which route',
        handler: () => shown(HTML, accessPage(document(), guides())),
      }),
      route({
        ...pages,
        path: '/docs/guides/{guide}',
        summary: 'A guide: how something is done, with examples that can be run',
        handler: ({ params }) => {
          const guide = guides().find(({ slug }) => slug === params.guide)
          const markup = guideMarkup(params.guide)
          if (guide === undefined || markup === undefined) return notFound('page', params.guide)
          return shown(HTML, guidePage(document(), guides(), guide, markup))
        },
      }),
      route({
        ...pages,
        path: '/docs/{tag}',
        summary: 'This document as pages: the operations of one tag',
        handler: ({ params }) => {
          const page = docsPage(document(), guides(), params.tag)
          return page === undefined ? notFound('page', params.tag) : shown(HTML, page)
        },
      }),
    ]),
  ]
}

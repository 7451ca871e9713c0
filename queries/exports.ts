// Reading exports: how one shows, with the signed link to its file, the list of them, the file itself, and the lines that make it.

import { timingSafeEqual } from 'node:crypto'
import * as v from 'valibot'
import { inBackground } from '../src/api/background.ts'
import { filterQuery } from '../src/api/lists/filters.ts'
import { listBody, orderOf, pageAndTotal, pagedByNumber } from '../src/api/lists/pager.ts'
import { documents } from '../src/api/lists/sources.ts'
import { EXPORT_NAMES, type ExportName, exportable, maySee, type Row } from '../src/api/presenters/exportObjects.ts'
import { ExportObject, type Parameters, showExport, tokenOf } from '../src/api/presenters/exports.ts'
import { ById } from '../src/api/shapes.ts'
import { listOf } from '../src/http/answers.ts'
import { fail, isFailure, notFound } from '../src/http/errors.ts'
import { type Outcome, route } from '../src/http/route.ts'
import { EXPORTS, type ExportDocument } from '../src/runtime/exports.ts'
import type { Services } from '../src/services.ts'

const text = (value: unknown): string => {
  if (value === null || value === undefined) return ''
  if (value instanceof Date) return value.toISOString()
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** What spreadsheets begin a formula with, also in their wide forms. */
const FORMULA = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/

/** Digits alone come to nothing: a phone number stays one. */
const DIGITS = /^[+-][\d ().]+$/

/**
 * Of texts, those that a spreadsheet would run get an apostrophe in front, by which it takes them for text (OWASP: CSV injection);
 * numbers and times stay as they are.
 */
const cell = (value: unknown): string => {
  const bare = text(value)
  const plain = typeof value === 'string' && FORMULA.test(bare) && !DIGITS.test(bare) ? `'${bare}` : bare
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain
}

const columnOf = (row: Row, column: string): unknown =>
  column.startsWith('metadata.')
    ? (row.metadata as Row | null | undefined)?.[column.slice('metadata.'.length)]
    : row[column]

/** The lines of an export as CSV (RFC 4180), its head first; in the order of an index, so that no file is sorted in memory. */
export async function* exportLines(services: Services, object: string, asked: string): AsyncGenerator<string> {
  const parameters = JSON.parse(asked) as Parameters
  const { usual, orders, filters: fields, read } = exportable(object as ExportName)
  const columns = parameters.fields ?? usual
  const { timeZone } = services.rulebook.current().project
  const filter = filterQuery(parameters.filters, fields, { timeZone, now: services.clock.now() })
  if (isFailure(filter)) throw new Error(filter.details)
  const descending = parameters.order?.startsWith('-') ?? false
  const [, field = '_id'] =
    Object.entries(orders).find(([name]) => name === parameters.order?.replace(/^-/, '')) ?? Object.entries(orders)[0]!
  const way = descending ? (-1 as const) : (1 as const)
  const sort = field === '_id' || field === 'position' ? { [field]: way } : { [field]: way, _id: way }
  const only = parameters.only ?? {}
  const both = Object.keys(only).length === 0 ? filter : { $and: [only, filter] }
  yield `${columns.map(cell).join(',')}\r\n`
  for await (const row of read(services, both, sort))
    yield `${columns.map((column) => cell(columnOf(row, column))).join(',')}\r\n`
}

const isToken = (services: Services, id: string, token: string): boolean => {
  const until = Number(/^(\d{1,15})\./.exec(token)?.[1])
  const [given, own] = [Buffer.from(token), Buffer.from(tokenOf(services, id, until))]
  return until > services.clock.now() && given.length === own.length && timingSafeEqual(given, own)
}

const ListQuery = v.object({ ...pagedByNumber, order: orderOf(['created_at', 'status'], '-created_at') })

const ORDERS = { created_at: ['created_at', '_id'], status: ['status', 'created_at', '_id'] } as const

async function* bytesOf(parts: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder()
  for await (const part of parts) yield encoder.encode(part)
}

export const exportQueries = (services: Services) =>
  inBackground(services, ({ exports }) => [
    route({
      method: 'get',
      path: '/v1/exports',
      summary: 'List exports',
      tag: 'Exports',
      permission: 'exports.manage',
      query: ListQuery,
      response: listOf('exports', ExportObject),
      handler: async (call): Promise<Outcome> => {
        const seen = EXPORT_NAMES.filter((name) => maySee(call.key, name))
        const filter = seen.length === EXPORT_NAMES.length ? {} : { object: { $in: seen } }
        const source = documents(services.readModel.plain<ExportDocument>(EXPORTS), filter)
        const [page, total] = await pageAndTotal(source, ORDERS, call.query)
        if (isFailure(page)) return page
        const shown = page.entries.map((one) => showExport(services, call, one))
        return { body: listBody('exports', page, shown, { total }) }
      },
    }),
    route({
      method: 'get',
      path: '/v1/exports/{id}',
      summary: 'Get an export, with the link to its file once it is done',
      description: 'The link is good for a day after the export was asked for, and needs no key.',
      tag: 'Exports',
      permission: 'exports.manage',
      params: ById,
      response: ExportObject,
      handler: async (call): Promise<Outcome> => {
        const found = await exports.find(call.params.id)
        return found && maySee(call.key, found.object)
          ? { body: showExport(services, call, found) }
          : notFound('export', call.params.id)
      },
    }),
    route({
      method: 'get',
      path: '/exports/{id}',
      summary: 'Download the file of an export',
      description: 'By the link that the export shows: its `token` is signed, and ends with the day.',
      tag: 'Exports',
      params: ById,
      query: v.object({ token: v.pipe(v.string(), v.maxLength(200)) }),
      contentType: 'text/csv',
      response: v.string(),
      handler: async ({ params: { id }, query: { token } }): Promise<Outcome> => {
        if (!isToken(services, id, token)) return fail('forbidden', 'The link is not valid, or not any more')
        const found = await exports.find(id)
        if (found?.status !== 'DONE') return notFound('export', id)
        return {
          headers: { 'Content-Disposition': `attachment; filename="${id}.csv"`, 'Cache-Control': 'no-store' },
          raw: {
            contentType: 'text/csv; charset=utf-8',
            content: ReadableStream.from(bytesOf(exports.content(found))) as ReadableStream<Uint8Array>,
          },
        }
      },
    }),
  ])

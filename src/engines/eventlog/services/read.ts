// Reads of a stream or of $all, forwards and backwards.

import { isDamage } from '../log/damage.ts'
import { revisionOf } from '../log/record.ts'
import type { Way } from '../log/store.ts'
import { dataLoss, invalidArgument, type RpcError, streamDeleted, unknown } from '../wire/errors.ts'
import type { Call } from '../wire/grpc.ts'
import type { AllPosition, ReadRequest } from '../wire/reads.ts'
import { streamNotFound } from '../wire/responses.ts'
import type { ServiceContext } from './context.ts'
import { createFilter } from './filter.ts'
import { createSender } from './sender.ts'

/** What reading needs of a service's context. */
export type ReadContext = Pick<ServiceContext, 'reader' | 'head'>

/** What a reader is told about an error in the middle of its read. */
export const readFailure = (error: unknown): RpcError => {
  if (isDamage(error)) return dataLoss(error.message)
  return error instanceof SyntaxError ? invalidArgument(error.message) : unknown(String(error))
}

/** Rows that are taken from disk at a time, before other calls have their turn. */
export const PAGE_ROWS = 512

/** Reads a client may ask for at most, as a number. */
const asCount = (count: bigint): number =>
  count > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(count)

/** A revision on the wire can be larger than any that exists. */
export const asRevision = (revision: bigint): number =>
  revision > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(revision)

/**
 * Where a read of $all begins. A position must be one that was given out, or 0, or the head, or (forwards) past it; the
 * errors and their texts are the real server's.
 */
export const allStart = (
  from: AllPosition | 'start' | 'end',
  { reader, head }: ReadContext,
  { backwards = false }: Way = {},
): { readonly at: number } | { readonly error: RpcError } => {
  if (from === 'start') return { at: 0 }
  if (from === 'end') return { at: head() }
  const { commit, prepare } = from
  if (commit < prepare) return { error: unknown('Exception was thrown by handler.') }
  const at = asRevision(commit)
  const invalid = { error: unknown('Unexpected ReadAllResult: InvalidPosition') }
  if (at > head()) return backwards ? invalid : { at }
  return at === 0 || at === head() || reader.isPosition(at) ? { at } : invalid
}

const readAll = async (call: Call, request: ReadRequest, from: AllPosition | 'start' | 'end', context: ReadContext) => {
  const { reader, head } = context
  const start = allStart(from, context, request)
  if ('error' in start) return call.fail(start.error)
  if (request.count === 0n) return call.finish()
  const filter = request.filter && createFilter(request.filter)
  const sender = createSender({ call, reader, ...request })
  const end = head()
  let left = asCount(request.count ?? 0n)
  let next: number | undefined = start.at
  while (next !== undefined && left > 0) {
    const page = reader.all(next, PAGE_ROWS, request)
    for (const stored of page.events) {
      if (left === 0 || (!request.backwards && stored.position >= end)) break
      if (filter !== undefined && !filter.matches(stored.record)) continue
      sender.add(stored)
      left--
    }
    next = page.next
    if (!(await sender.flush())) return
  }
  call.finish()
}

const readStream = async (
  call: Call,
  request: ReadRequest,
  stream: string,
  from: bigint | 'start' | 'end',
  { reader }: ReadContext,
) => {
  // Texts and the strange cases are the real server's.
  const badArguments = unknown('Unexpected ReadStreamResult: Error')
  if (stream === '' || request.count === 0n || (from === 'end' && !request.backwards)) return call.fail(badArguments)
  const status = reader.status(stream)
  if (status === 'deleted') return call.fail(streamDeleted(stream))
  if (status === 'not-found') {
    call.send(streamNotFound(stream))
    return call.finish()
  }
  const sender = createSender({ call, reader, ...request })
  const last = reader.lastRevision(stream)
  let left = asCount(request.count ?? 0n)
  let next: number | undefined = from === 'start' ? 0 : from === 'end' ? last : asRevision(from)
  while (next !== undefined && left > 0) {
    const page = reader.stream(stream, next, Math.min(left, PAGE_ROWS), request)
    for (const stored of page.events) {
      if ((revisionOf(stored.record) ?? 0) > last) break
      sender.add(stored)
      left--
    }
    next = page.next
    if (!(await sender.flush())) return
  }
  call.finish()
}

export const serveRead = async (call: Call, request: ReadRequest, context: ReadContext): Promise<void> => {
  try {
    const { target } = request
    if (target.kind === 'all') await readAll(call, request, target.from, context)
    else await readStream(call, request, target.stream, target.from, context)
  } catch (error) {
    call.fail(readFailure(error))
  }
}

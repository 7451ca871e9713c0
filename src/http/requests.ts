// Requests that their callers named: taken up once for each name, answered to a repeat as the first time. The log says which
// content a name stands for; answers are kept for a day beside the read models. Where an answer is missing, the request is
// carried out again, under ids that follow from its name, so that nothing comes about twice.

import { uuidFrom } from '../domain/ids.ts'
import type { NewFact } from '../domain/recorded.ts'
import { isRefused } from '../domain/refusal.ts'
import { nameBy, type RequestName, requestStream } from '../domain/requests.ts'
import type { EventStore, ExpectedRevision } from '../eventstore/index.ts'
import { comesWithin } from '../line/time.ts'
import type { Logger } from '../log.ts'
import type { ReadModel } from '../readmodel/index.ts'
import { fail, fromRefusal, isFailure, unavailable } from './errors.ts'
import { type Answer, type Outcome, REPLAYED } from './route.ts'

/** A request with its name. */
export interface NamedRequest {
  /** Within the space of its API key: see `callerKey`. */
  readonly key: string
  /** The customer whom it is about, where its body names one: a name stands for a request of one customer. */
  readonly customer: string | undefined
  /** Method and path. */
  readonly route: string
  readonly print: string
  /** What it is answered is not kept, since it holds a secret. */
  readonly tellsSecret?: true | undefined
  readonly requestId: string
  readonly actor: { readonly name: string; readonly role: string }
  /** ms since the epoch. */
  readonly now: number
  /** ms since the epoch: past it the answer is that the store is unavailable. */
  readonly deadline: number
}

export interface NamedRequests {
  /**
   * Carries a request out, unless it was before: then it answers as then, with `Idempotent-Replayed`. Another content under the
   * name of one that came to something is refused. What is refused is not remembered: it may be asked again, or the name be
   * given to something else. A repeat of one that tells a secret is refused. Rejects with the store's own errors.
   */
  once(request: NamedRequest, carryOut: () => Outcome | Promise<Outcome>): Promise<Outcome>
  /** Resolves when no answer waits to be kept. */
  idle(): Promise<void>
}

export interface NamedRequestsOptions {
  readonly store: Pick<EventStore, 'append' | 'readStream'>
  readonly readModel: Pick<ReadModel, 'plain' | 'prepare' | 'health'>
  readonly log: Pick<Logger, 'warn'>
  /** ms since the epoch. */
  readonly now: () => number
}

interface KeptAnswer {
  readonly _id: string
  readonly print: string
  readonly status?: number
  /** JSON. */
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly token?: string
  readonly at: Date
}

const ANSWERS = 'requestAnswers'
/** How long answers are kept, ms, and how often those that are older are taken away. */
const KEPT_MS = 86_400_000
const SWEEP_EVERY_MS = 600_000
/** An answer that is longer is not kept, characters: the request is carried out again. */
const MAX_BODY = 1_048_576
/** How long a request waits for its answer to be kept, ms: a slow document store holds up no command. */
const KEEP_WAIT_MS = 250
/** How often a name is tried to be taken while others take and give it up. */
const MAX_TRIES = 5

/** Takes away all answers that are kept: who repeats a request has it carried out again, which gives nothing twice. */
export const dropAnswers = async (readModel: Pick<ReadModel, 'plain'>): Promise<void> => {
  await readModel.plain<KeptAnswer>(ANSWERS).deleteMany({})
}

const reused = (route: string) =>
  fail('idempotency_key_reused', `This Idempotency-Key was used for another request before (${route})`)

/**
 * Said of a repeat whose answer is kept nowhere. It is not carried out again: whoever lost the answer to a rotation would lose the
 * token from before it as well.
 */
const toldBefore = () =>
  fail(
    'duplicate_found',
    'This request was taken up before, and its secret is told once only: see what there is, and ask under another Idempotency-Key',
  )

const replayed = (answer: Answer): Answer => ({
  ...answer,
  headers: { ...answer.headers, ...REPLAYED },
})

/** An answer that a repeat can be given again: what is streamed is gone. */
const isLasting = (outcome: Outcome): outcome is Answer =>
  !isRefused(outcome) && !isFailure(outcome) && outcome.raw === undefined && (outcome.status ?? 200) < 400

/** Why a request came to nothing for certain; undefined when it may yet, or did. */
const refusedWith = (outcome: Outcome): string | undefined => {
  const failure = isRefused(outcome) ? fromRefusal(outcome.refused) : outcome
  const isFinal = isFailure(failure) && failure.status < 500 && failure.retryAfter === undefined
  return isFinal ? failure.key : undefined
}

export const createNamedRequests = ({ store, readModel, log, now }: NamedRequestsOptions): NamedRequests => {
  /** What this node carries out now, by stream. */
  const underWay = new Map<string, { readonly name: RequestName; readonly outcome: Promise<Outcome | undefined> }>()
  const keeping = new Set<Promise<void>>()
  let sweptAt = Number.NEGATIVE_INFINITY

  const append = async (
    stream: string,
    type: string,
    data: object,
    expected: ExpectedRevision,
    { requestId, actor, now: at, deadline }: NamedRequest,
  ): Promise<boolean> => {
    const fact: NewFact = {
      id: uuidFrom('request', stream, type, requestId, String(expected)),
      type,
      data: { ...data, occurredAt: at },
      metadata: { $correlationId: requestId, actor, now: at },
    }
    return (await store.append(stream, [fact], expected, { deadline })).kind === 'appended'
  }

  /** What a name stands for, as the newest fact of its stream says, and the revision of that. */
  const read = async (
    stream: string,
  ): Promise<{ readonly name: RequestName | undefined; readonly revision: ExpectedRevision }> => {
    for await (const fact of store.readStream(stream, { from: 'end', direction: 'backwards', maxCount: 1 }))
      return { name: nameBy(fact), revision: fact.revision }
    return { name: undefined, revision: 'no_stream' }
  }

  /** Takes the name. `again`: it was taken by the same content before, of which nobody said that it came to nothing. */
  const take = async (
    stream: string,
    request: NamedRequest,
  ): Promise<{ readonly is: 'first' | 'again' | 'busy' } | { readonly is: 'others'; readonly route: string }> => {
    const { route, print } = request
    let expected: ExpectedRevision = 'no_stream'
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      if (await append(stream, 'RequestNamed', { route, print }, expected, request)) return { is: 'first' }
      const { name, revision } = await read(stream)
      expected = revision
      if (name) return name.print === print ? { is: 'again' } : { is: 'others', route: name.route }
    }
    return { is: 'busy' }
  }

  /** Frees the name of a request that came to nothing; where that does not succeed, only the same may be asked under it. */
  const giveUp = async (stream: string, request: NamedRequest, reason: string): Promise<void> => {
    try {
      const { name, revision } = await read(stream)
      if (name?.print === request.print)
        await append(stream, 'RequestGivenUp', { print: request.print, reason }, revision, request)
    } catch (error) {
      log.warn({ err: error }, 'the name of a refused request stays taken')
    }
  }

  const sweep = async (): Promise<void> => {
    if (now() - sweptAt < SWEEP_EVERY_MS) return
    sweptAt = now()
    await readModel.prepare(ANSWERS, [{ key: { at: 1 } }])
    await readModel.plain<KeptAnswer>(ANSWERS).deleteMany({ at: { $lt: new Date(now() - KEPT_MS) } })
  }

  const put = async (kept: KeptAnswer): Promise<void> => {
    try {
      const { _id, ...rest } = kept
      await readModel.plain<KeptAnswer>(ANSWERS).updateOne({ _id }, { $set: rest }, { upsert: true })
      await sweep()
    } catch (error) {
      log.warn({ err: error }, 'an answer cannot be kept: a repeat of its request is carried out again')
    }
  }

  const keep = async (stream: string, { print }: NamedRequest, answer: Answer): Promise<void> => {
    const body = answer.body === undefined ? undefined : JSON.stringify(answer.body)
    if ((body !== undefined && body.length > MAX_BODY) || !readModel.health().ok) return
    const { status, headers, consistencyToken: token } = answer
    const kept = put({
      _id: stream,
      print,
      status,
      body,
      headers,
      ...(token === undefined ? {} : { token: String(token) }),
      at: new Date(now()),
    })
    keeping.add(kept)
    void kept.finally(() => keeping.delete(kept))
    await comesWithin(kept, KEEP_WAIT_MS)
  }

  const keptAnswer = async (stream: string, { print }: NamedRequest): Promise<Answer | undefined> => {
    try {
      const kept = await readModel.plain<KeptAnswer>(ANSWERS).findOne({ _id: stream })
      if (kept?.print !== print) return undefined
      const { status, body, headers, token } = kept
      return {
        status,
        ...(body === undefined ? {} : { body: JSON.parse(body) }),
        headers,
        consistencyToken: token === undefined ? undefined : BigInt(token),
      }
    } catch (error) {
      log.warn({ err: error }, 'a kept answer cannot be read: its request is carried out again')
      return undefined
    }
  }

  const carriedOut = async (
    stream: string,
    request: NamedRequest,
    carryOut: () => Outcome | Promise<Outcome>,
  ): Promise<Outcome> => {
    const taken = await take(stream, request)
    if (taken.is === 'others') return reused(taken.route)
    if (taken.is === 'busy') return unavailable('This Idempotency-Key is being used by many')
    if (taken.is === 'again' && request.tellsSecret) return toldBefore()
    const before = taken.is === 'again' ? await keptAnswer(stream, request) : undefined
    if (before) return replayed(before)
    const outcome = await carryOut()
    if (isLasting(outcome) && !request.tellsSecret) await keep(stream, request, outcome)
    const reason = refusedWith(outcome)
    if (reason !== undefined) await giveUp(stream, request, reason)
    return outcome
  }

  return {
    async once(request, carryOut) {
      const stream = requestStream(request.key, request.customer)
      for (let other = underWay.get(stream); other; other = underWay.get(stream)) {
        if (other.name.print !== request.print) return reused(other.name.route)
        const outcome = await other.outcome
        if (outcome && isLasting(outcome)) return replayed(outcome)
      }
      const outcome = carriedOut(stream, request, carryOut)
      underWay.set(stream, { name: request, outcome: outcome.catch(() => undefined) })
      try {
        return await outcome
      } finally {
        underWay.delete(stream)
      }
    },
    idle: async () => {
      await Promise.all(keeping)
    },
  }
}

// Replays recorded scenarios against a server, through the official client, and says where it answered differently.
import { createHash, randomBytes } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import * as es from '@eventstore/db-client'
import * as v from 'valibot'
import { credentialsOf } from '../servers.ts'

const Json: v.GenericSchema<unknown> = v.unknown()

const Filter = v.object({
  exclude: v.optional(v.boolean()),
  on: v.optional(v.picklist(['stream', 'type'])),
  prefixes: v.optional(v.array(v.string())),
  regex: v.optional(v.string()),
  window: v.optional(v.number()),
  interval: v.optional(v.number()),
})

const ProposedEvent = v.object({
  id: v.string(),
  type: v.optional(v.string(), 'T'),
  contentType: v.optional(v.string()),
  data: v.optional(Json),
  metadata: v.optional(Json),
  repeat: v.optional(v.number()),
})
type ProposedEvent = v.InferOutput<typeof ProposedEvent>

const step = { outcome: Json }
const Step = v.variant('op', [
  v.object({
    ...step,
    op: v.literal('append'),
    stream: v.string(),
    events: v.array(ProposedEvent),
    expect: v.optional(v.string()),
    classic: v.optional(v.boolean(), false),
    as: v.optional(v.string()),
    sameAs: v.optional(v.string()),
  }),
  v.object({
    ...step,
    op: v.literal('read'),
    stream: v.string(),
    backwards: v.optional(v.boolean(), false),
    from: v.optional(v.string()),
    max: v.optional(v.number()),
    resolve: v.optional(v.boolean(), false),
    full: v.optional(v.boolean(), false),
  }),
  v.object({
    ...step,
    op: v.literal('readAll'),
    backwards: v.optional(v.boolean(), false),
    from: v.optional(v.string()),
    shift: v.optional(v.number(), 0),
    max: v.optional(v.number()),
    resolve: v.optional(v.boolean(), false),
    full: v.optional(v.boolean(), false),
  }),
  v.object({ ...step, op: v.literal('delete'), stream: v.string(), expect: v.optional(v.string()) }),
  v.object({ ...step, op: v.literal('tombstone'), stream: v.string(), expect: v.optional(v.string()) }),
  v.object({
    ...step,
    op: v.literal('setMetadata'),
    stream: v.string(),
    metadata: v.record(v.string(), v.unknown()),
    expect: v.optional(v.string()),
  }),
  v.object({ ...step, op: v.literal('getMetadata'), stream: v.string() }),
  v.object({ ...step, op: v.literal('wait'), ms: v.number() }),
  v.object({
    ...step,
    op: v.literal('subscribe'),
    stream: v.string(),
    as: v.optional(v.string(), 'sub'),
    from: v.optional(v.string()),
    shift: v.optional(v.number(), 0),
    resolve: v.optional(v.boolean(), false),
    filter: v.optional(Filter),
    showCheckpoints: v.optional(v.boolean(), false),
  }),
  v.object({
    ...step,
    op: v.literal('seen'),
    as: v.optional(v.string(), 'sub'),
    checkpoints: v.optional(v.boolean(), false),
    quiet: v.optional(v.number(), 250),
  }),
  v.object({ ...step, op: v.literal('unsubscribe'), as: v.optional(v.string(), 'sub') }),
])
type Step = v.InferOutput<typeof Step>
type StepOf<Op extends Step['op']> = Extract<Step, { readonly op: Op }>

const Scenario = v.object({ name: v.string(), steps: v.array(Step) })
export type Scenario = v.InferOutput<typeof Scenario>
export const Facts = v.object({ title: v.string(), scenarios: v.array(Scenario) })

/** A scenario's streams get a suffix of their own, its event labels become ids, and back. */
const createNames = () => {
  const run = randomBytes(6).toString('hex')
  const labels = new Map<string, string>()
  const stream = (name: string): string => {
    if (name === '$all') return name
    const [, meta = '', rest = ''] = /^(\$\$)?(.*)$/s.exec(name) ?? []
    return `${meta}${rest}-${run}`
  }
  return {
    run,
    stream,
    unstream: (name: string): string => name.replaceAll(`-${run}`, ''),
    id: (label: string): string => {
      const h = createHash('sha1')
        .update(run + label)
        .digest('hex')
      const id = `${h.slice(0, 8)}-${h.slice(8, 12)}-5${h.slice(13, 16)}-a${h.slice(17, 20)}-${h.slice(20, 32)}`
      labels.set(id, label)
      return id
    },
    label: (id: string): string => labels.get(id) ?? '(server)',
  }
}
type Names = ReturnType<typeof createNames>

interface Subscribed {
  readonly subscription: es.AllStreamSubscription | es.StreamSubscription<es.EventType>
  readonly seen: unknown[]
}

/** What a scenario remembers between its steps. */
interface Memory {
  readonly client: es.EventStoreDBClient
  readonly names: Names
  readonly positions: Map<string, es.Position>
  readonly subscriptions: Map<string, Subscribed>
  /** The newest position when the scenario began. */
  readonly base: es.Position
  deleted: boolean
}

const MAX = 9223372036854775807n
const TIME_LIMIT_MS = 8_000
/** A soft delete and a revival write metadata a moment after their answer. */
const SETTLE_MS = 150
const CREDENTIALS = credentialsOf(process.env.EVENTSTORE_URL)

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

const asExpected = (text = 'any'): es.AppendExpectedRevision =>
  /^\d+$/.test(text) ? BigInt(text) : v.parse(v.picklist(['any', 'no_stream', 'stream_exists']), text)
/** A delete cannot expect `stream_exists`. */
const asDeletable = (text = 'any'): es.ExpectedRevision =>
  /^\d+$/.test(text) ? BigInt(text) : v.parse(v.picklist(['any', 'no_stream']), text)
const asRevision = (text: string | undefined, fallback: 'start' | 'end'): es.ReadRevision =>
  text === undefined ? fallback : /^\d+$/.test(text) ? BigInt(text) : v.parse(v.picklist(['start', 'end']), text)

const Filler = v.object({ $bytes: v.number() })
const filled = (data: unknown): unknown => {
  const filler = v.safeParse(Filler, data)
  return filler.success ? 'x'.repeat(filler.output.$bytes) : data
}
const kept = (data: unknown): unknown => {
  if (data instanceof Uint8Array) {
    return { bytes: data.length, head: Buffer.from(data.subarray(0, 16)).toString('latin1') }
  }
  return typeof data === 'string' && data.length > 200 ? { chars: data.length } : data
}

const makeEvent = (names: Names, event: ProposedEvent): es.EventData => {
  const link = event.type === '$>' && typeof event.data === 'string' ? /^(\d+)@(.+)$/s.exec(event.data) : null
  const data = link === null ? filled(event.data) : `${link[1]}@${names.stream(link[2]!)}`
  const id = names.id(event.id)
  const metadata = filled(event.metadata)
  if (event.contentType === 'application/octet-stream') {
    return es.binaryEvent({
      id,
      type: event.type,
      data: Buffer.from(String(data ?? '')),
      ...(metadata === undefined ? {} : { metadata: Buffer.from(String(metadata)) }),
    })
  }
  // The client takes any JSON; its types know objects only.
  const json = v.parse(v.any(), data ?? {})
  const options = { id, type: event.type, data: event.data === null ? {} : json }
  return es.jsonEvent(metadata === undefined ? options : { ...options, metadata: v.parse(v.any(), metadata) })
}

const showRecorded = (names: Names, event: es.ResolvedEvent['event'], full: boolean): unknown =>
  event && {
    stream: names.unstream(event.streamId),
    revision: event.revision === MAX ? 'max' : String(event.revision),
    id: names.label(event.id),
    type: event.type,
    ...(full ? { data: kept(event.data), metadata: kept(event.metadata), isJson: event.isJson } : {}),
  }
const showEvent = (names: Names, { event, link }: es.ResolvedEvent, full = false): unknown => {
  const shown = showRecorded(names, event, full) ?? null
  return link === undefined ? shown : { event: shown, link: showRecorded(names, link, false) }
}

const Failure = v.object({
  type: v.optional(v.string()),
  code: v.optional(v.number()),
  name: v.optional(v.string(), 'Error'),
  streamName: v.optional(v.string()),
  expectedVersion: v.optional(v.union([v.string(), v.bigint()])),
  actualVersion: v.optional(v.union([v.string(), v.bigint()])),
  maxAppendSize: v.optional(v.number()),
})
const showError = (names: Names, error: unknown): unknown => {
  const { type, code, name, streamName, expectedVersion, actualVersion, maxAppendSize } = v.parse(Failure, error)
  const message = error instanceof Error && type === undefined && code === undefined ? { message: error.message } : {}
  return {
    error: type ?? (code === undefined ? name : `grpc ${code}`),
    ...message,
    ...(streamName === undefined ? {} : { stream: names.unstream(streamName) }),
    ...(expectedVersion === undefined ? {} : { expected: String(expectedVersion) }),
    ...(actualVersion === undefined ? {} : { actual: String(actualVersion) }),
    ...(maxAppendSize === undefined ? {} : { maxAppendSize }),
  }
}

const startOf = (
  memory: Memory,
  from: string | undefined,
  shift: number,
  fallback: es.ReadPosition,
): es.ReadPosition => {
  const at = from === undefined ? undefined : memory.positions.get(from)
  if (at !== undefined) return { commit: at.commit + BigInt(shift), prepare: at.prepare + BigInt(shift) }
  return from === undefined ? fallback : v.parse(v.picklist(['start', 'end']), from)
}

const append = async (memory: Memory, step: StepOf<'append'>): Promise<unknown> => {
  const { client, names, positions } = memory
  const events = step.events.flatMap((event) =>
    event.repeat === undefined
      ? [makeEvent(names, event)]
      : Array.from({ length: event.repeat }, (_, i) => makeEvent(names, { ...event, id: event.id + i })),
  )
  const result = await client.appendToStream(names.stream(step.stream), events, {
    expectedRevision: asExpected(step.expect),
    // A call's own credentials make the client use the single append.
    ...(step.classic ? { credentials: CREDENTIALS } : {}),
  })
  const { position } = result
  if (step.as !== undefined && position !== undefined) positions.set(step.as, position)
  if (memory.deleted) await pause(SETTLE_MS)
  return {
    success: result.success,
    next: String(result.nextExpectedRevision),
    position:
      position === undefined ? null : position.commit === position.prepare ? 'commit = prepare' : 'commit > prepare',
    ...(step.sameAs === undefined ? {} : { sameAs: position?.commit === positions.get(step.sameAs)?.commit }),
  }
}

const read = async ({ client, names }: Memory, step: StepOf<'read'>): Promise<unknown> => {
  const events: unknown[] = []
  const found = client.readStream(names.stream(step.stream), {
    direction: step.backwards ? es.BACKWARDS : es.FORWARDS,
    fromRevision: asRevision(step.from, step.backwards ? 'end' : 'start'),
    resolveLinkTos: step.resolve,
    ...(step.max === undefined ? {} : { maxCount: step.max }),
  })
  for await (const event of found) events.push(showEvent(names, event, step.full))
  return { events }
}

/**
 * Only the scenario's own streams are shown. The read is taken to its end, because a client whose reads are broken off may
 * never come to the end of `dispose`.
 */
const readAll = async (memory: Memory, step: StepOf<'readAll'>): Promise<unknown> => {
  const { client, names, base } = memory
  const events: unknown[] = []
  let last: bigint | undefined
  let inOrder = true
  let same = true
  const found = client.readAll({
    direction: step.backwards ? es.BACKWARDS : es.FORWARDS,
    fromPosition: startOf(memory, step.from, step.shift, step.backwards ? 'end' : base),
    resolveLinkTos: step.resolve,
    ...(step.max === undefined ? {} : { maxCount: step.max }),
  })
  for await (const resolved of found) {
    const event = resolved.link ?? resolved.event
    const at = resolved.commitPosition ?? event?.position?.commit ?? 0n
    if (step.backwards && at <= base.commit) continue
    if (last !== undefined && (step.backwards ? at >= last : at <= last)) inOrder = false
    last = at
    if (event?.position !== undefined && event.position.commit !== event.position.prepare) same = false
    if (event?.streamId.includes(names.run)) events.push(showEvent(names, resolved, step.full))
  }
  return {
    events,
    order: inOrder ? (step.backwards ? 'falling' : 'rising') : 'mixed',
    'commit = prepare': same,
  }
}

const filterOf = (step: StepOf<'subscribe'>, seen: unknown[]): es.Filter | undefined => {
  const { filter } = step
  if (filter === undefined) return undefined
  let last: bigint | undefined
  const checkpointReached = async (_: es.AllStreamSubscription, position: es.Position) => {
    const late = last !== undefined && position.commit <= last
    seen.push(step.showCheckpoints && late ? 'checkpoint (not after the last)' : 'checkpoint')
    last = position.commit
  }
  const options = {
    checkpointReached,
    ...(filter.window === undefined ? {} : { maxSearchWindow: filter.window }),
    ...(filter.interval === undefined ? {} : { checkpointInterval: filter.interval }),
  }
  if (filter.exclude) return es.excludeSystemEvents(options)
  const make = filter.on === 'type' ? es.eventTypeFilter : es.streamNameFilter
  return filter.prefixes === undefined
    ? make({ ...options, regex: filter.regex ?? '' })
    : make({ ...options, prefixes: filter.prefixes })
}

const subscribe = (memory: Memory, step: StepOf<'subscribe'>): unknown => {
  const { client, names, subscriptions } = memory
  const seen: unknown[] = []
  const filter = filterOf(step, seen)
  const subscription =
    step.stream === '$all'
      ? client.subscribeToAll({
          resolveLinkTos: step.resolve,
          fromPosition: startOf(memory, step.from, step.shift, 'start'),
          ...(filter === undefined ? {} : { filter }),
        })
      : client.subscribeToStream(names.stream(step.stream), {
          resolveLinkTos: step.resolve,
          fromRevision: asRevision(step.from, 'start'),
        })
  subscription.on('data', (resolved: es.ResolvedEvent) => {
    const event = resolved.link ?? resolved.event
    if (step.stream !== '$all' || event?.streamId.includes(names.run)) seen.push(showEvent(names, resolved))
  })
  subscription.on('caughtUp', () => seen.push('caughtUp'))
  subscription.on('confirmation', () => seen.push('confirmed'))
  subscription.on('end', () => seen.push('end'))
  subscription.on('error', (error: unknown) => seen.push(showError(names, error)))
  subscriptions.set(step.as, { subscription, seen })
  return {}
}

/** What a subscription has said so far, once it has been quiet for a while. */
const seenBy = async ({ subscriptions }: Memory, step: StepOf<'seen'>): Promise<unknown> => {
  const { seen } = subscriptions.get(step.as)!
  let size = -1
  for (let i = 0; i < 60 && !(seen.length === size && i > 3); i++) {
    size = seen.length
    await pause(step.quiet)
  }
  const isCheckpoint = (one: unknown) => typeof one === 'string' && one.startsWith('checkpoint')
  return { seen: step.checkpoints ? [...seen] : seen.filter((one) => !isCheckpoint(one)) }
}

const run = async (memory: Memory, step: Step): Promise<unknown> => {
  const { client, names } = memory
  switch (step.op) {
    case 'append':
      return append(memory, step)
    case 'read':
      return read(memory, step)
    case 'readAll':
      return readAll(memory, step)
    case 'delete':
    case 'tombstone': {
      if (step.op === 'delete') memory.deleted = true
      const stream = names.stream(step.stream)
      // The client's types leave `stream_exists` out of a tombstone, its code does not.
      const result = await (step.op === 'tombstone'
        ? client.tombstoneStream(stream, { expectedRevision: asExpected(step.expect) as es.ExpectedRevision })
        : client.deleteStream(stream, { expectedRevision: asDeletable(step.expect) }))
      return { success: true, position: result.position === undefined ? null : 'given' }
    }
    case 'setMetadata': {
      const result = await client.setStreamMetadata(names.stream(step.stream), step.metadata, {
        expectedRevision: asExpected(step.expect),
      })
      if (memory.deleted) await pause(SETTLE_MS)
      return { success: result.success, next: String(result.nextExpectedRevision) }
    }
    case 'getMetadata':
      return { metadata: (await client.getStreamMetadata(names.stream(step.stream))).metadata ?? null }
    case 'wait':
      await pause(step.ms)
      return {}
    case 'subscribe':
      return subscribe(memory, step)
    case 'seen':
      return seenBy(memory, step)
    case 'unsubscribe':
      await memory.subscriptions.get(step.as)!.subscription.unsubscribe()
      return {}
    default:
      return step satisfies never
  }
}

const inTime = async (work: Promise<unknown>): Promise<unknown> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${TIME_LIMIT_MS} ms`)), TIME_LIMIT_MS)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}

/** As JSON, which is what the facts are written in. */
const plain = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? String(one) : one)))

const newestPosition = async (client: es.EventStoreDBClient): Promise<es.Position> => {
  let newest: es.Position = { commit: 0n, prepare: 0n }
  for await (const { event } of client.readAll({ direction: es.BACKWARDS, fromPosition: es.END, maxCount: 1 })) {
    newest = event?.position ?? newest
  }
  return newest
}

/** The steps that were answered differently, as text; none when all is as recorded. */
export const replayScenario = async (client: es.EventStoreDBClient, scenario: Scenario): Promise<readonly string[]> => {
  const memory: Memory = {
    client,
    names: createNames(),
    positions: new Map(),
    subscriptions: new Map(),
    base: await newestPosition(client),
    deleted: false,
  }
  const differences: string[] = []
  for (const [i, step] of scenario.steps.entries()) {
    const got = plain(await inTime(run(memory, step)).catch((error: unknown) => showError(memory.names, error)))
    if (isDeepStrictEqual(got, plain(step.outcome))) continue
    const { outcome, ...asked } = step
    differences.push(
      `step ${i} ${JSON.stringify(asked)}\n  recorded ${JSON.stringify(outcome)}\n  got      ${JSON.stringify(got)}`,
    )
  }
  for (const { subscription } of memory.subscriptions.values()) await subscription.unsubscribe()
  return differences
}

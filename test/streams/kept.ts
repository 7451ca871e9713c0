// What today's program makes of a kept log: its facts decoded, the states folded of them, the documents projected, and the decisions
// that it would make otherwise.
import { readFileSync } from 'node:fs'
import { projections } from '../../projections/index.ts'
import { redecideCustomer } from '../../src/audit/redecide.ts'
import { codeOfStream } from '../../src/domain/codes.ts'
import { fold } from '../../src/domain/customer/fold.ts'
import { newCustomer } from '../../src/domain/customer/state.ts'
import { customerOfStream, RULEBOOK_STREAM } from '../../src/domain/ids.ts'
import type { RecordedFact } from '../../src/domain/recorded.ts'
import { factRegistry } from '../../src/domain/registry.ts'
import { evolveDefinitions, NO_DEFINITIONS } from '../../src/domain/rulebook/decide.ts'
import type { RulebookFact } from '../../src/domain/rulebook/facts.ts'
import { compileRulebook, type Rulebook } from '../../src/domain/rulebook/rulebook.ts'
import { createCodec, type RawRecord } from '../../src/eventstore/codec.ts'
import type { EventStore } from '../../src/eventstore/index.ts'
import { masterKey } from '../../src/privacy/masterKey.ts'
import { createVault } from '../../src/privacy/vault.ts'
import { createLedgers } from '../../src/runtime/ledgers.ts'
import { createStock } from '../../src/runtime/stock.ts'
import { fitted } from '../given.ts'
import { project } from '../projector/laws.ts'
import type { Keys } from './recording.ts'

/** A log and the keys that open it. */
export interface Recording {
  readonly keys: Keys
  /** In the order of the log, at the positions that they had. */
  readonly records: readonly RawRecord[]
}

/** A file of the logs that are kept. */
export const recordingOf = (file: string): Recording => {
  const [first, ...lines] = readFileSync(file, 'utf8').trim().split('\n')
  const keys: Keys = JSON.parse(first!)
  const records = lines.map((text): RawRecord => {
    const { revision, position, created, data, ...line } = JSON.parse(text)
    // Exports leave it out.
    const key = line.type === 'ProjectOpened' ? { customerKey: keys.projectKey } : {}
    const at = { revision: BigInt(revision), position: BigInt(position), created: Date.parse(created) }
    return { ...line, ...at, data: { ...key, ...data } }
  })
  return { keys, records }
}

const byStream = (facts: readonly RecordedFact[]): ReadonlyMap<string, readonly RecordedFact[]> => {
  const streams = new Map<string, RecordedFact[]>()
  for (const fact of facts) streams.set(fact.stream, [...(streams.get(fact.stream) ?? []), fact])
  return streams
}

type Reads = Pick<EventStore, 'readStream'>

const storeOf = (facts: readonly RecordedFact[]): Reads => {
  const streams = byStream(facts)
  return {
    async *readStream(stream, options) {
      const from = options?.from
      for (const fact of streams.get(stream) ?? []) if (typeof from !== 'bigint' || fact.revision >= from) yield fact
    },
  }
}

/** Whoever reads kept logs writes nothing. */
const noAppend = (): never => {
  throw new Error('a kept log is not written to')
}

const decoded = async ({ keys: { masterKey: key }, records }: Recording): Promise<readonly RecordedFact[]> => {
  const plain = createCodec(factRegistry)
  const vault = createVault({ masterKeys: [masterKey(key)], now: () => 0 })
  const keys = records.filter(({ stream }) => stream.startsWith('key'))
  await vault.open({
    ...storeOf(keys.flatMap((record) => plain.decode(record) ?? [])),
    append: noAppend,
    removeStream: noAppend,
  })
  const codec = createCodec(factRegistry, vault)
  await codec.prepareDecode?.(records)
  return records.map((record) => {
    const fact = codec.decode(record)
    if (fact === undefined) throw new Error(`fact type ${record.type} is not known any more`)
    return fact
  })
}

const rulebooksOf = (facts: readonly RecordedFact[]) => {
  let definitions = NO_DEFINITIONS
  const at = new Map([['-1', definitions]])
  for (const fact of facts)
    if (fact.stream === RULEBOOK_STREAM) {
      definitions = evolveDefinitions(definitions, fact as unknown as RulebookFact, String(fact.revision))
      at.set(definitions.revision, definitions)
    }
  const current = compileRulebook(definitions)
  let last = current
  return {
    current: () => current,
    async at(revision: bigint): Promise<Rulebook> {
      const asked = at.get(String(revision))
      if (asked === undefined) throw new Error(`no rulebook at ${revision}`)
      if (last.revision !== asked.revision) last = compileRulebook(asked)
      return last
    },
  }
}

/** As JSON, and in the order of names, so that it can be compared with what is kept. */
const plain = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_, inner) => {
      if (typeof inner === 'bigint') return String(inner)
      if (inner instanceof Map || inner instanceof Set) return [...inner]
      if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner
      return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
    }) ?? 'null',
  )

export interface Made {
  /** Whatever decisions come out otherwise than they were recorded, or cannot be made again. */
  readonly drift: readonly unknown[]
  /** By stream, as JSON. */
  readonly states: Readonly<Record<string, unknown>>
  /** By name of the projection and key of the document, as JSON. */
  readonly documents: Readonly<Record<string, unknown>>
}

/** Everything that follows from a kept log. */
export const madeOf = async (recording: Recording): Promise<Made> => {
  const facts = await decoded(recording)
  const store = storeOf(facts)
  const rulebooks = rulebooksOf(facts)
  const rulebook = rulebooks.current()
  const options = { store: { ...store, append: noAppend }, sleep: async () => {}, random: () => 0 }
  const ledgers = createLedgers(rulebooks.current, options)
  const stock = createStock(rulebooks.current, options)
  const states: Record<string, unknown> = {}
  const keep = (stream: string, state: unknown) => {
    states[stream] = plain(state)
  }
  const drift: unknown[] = []
  for (const [stream, own] of byStream(facts)) {
    const [customer, code] = [customerOfStream(stream), codeOfStream(stream)]
    if (customer !== undefined) {
      const folded = own.reduce((state, fact) => fold(state, fact, rulebook), newCustomer(customer))
      keep(stream, fitted(folded, own, rulebook))
      const again = await redecideCustomer(store, rulebooks, customer)
      drift.push(...again.drift, ...again.undecided)
    } else if (code !== undefined) keep(stream, (await ledgers.codes.load(code)).state)
    else if (stream.startsWith('limits-'))
      keep(stream, (await ledgers.campaigns.load(stream.slice('limits-'.length))).state)
    else if (stream.startsWith('reward-')) keep(stream, await stock.load(stream.slice('reward-'.length)))
    else if (stream.startsWith('redemption-'))
      keep(stream, (await ledgers.requests.load(stream.slice('redemption-'.length))).state)
  }
  const documents: Record<string, unknown> = {}
  for (const one of projections)
    for (const [key, document] of Object.entries(project(one, [facts])))
      documents[`${one.name} ${key}`] = plain(document)
  return { drift, states, documents }
}

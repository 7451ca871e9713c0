// Versions side by side: which collection a projection is folded into, building another beside the live one, and swapping them
// at one position without anybody noticing.
import type { Projection } from '../../projections/projection.ts'
import { sortable } from '../domain/position.ts'
import type { RecordedFact } from '../domain/recorded.ts'
import type { EventStore } from '../eventstore/index.ts'
import { sleep } from '../line/backoff.ts'
import type { AliasDocument, Keyed, Lane, Member, ReadModel, Writes } from '../readmodel/index.ts'
import { CHECKPOINTS, ReadModelUnavailable } from '../readmodel/index.ts'
import { fillFrom, writesOf } from './batchWriter.ts'
import { createCondemned } from './condemned.ts'
import { createCounting } from './counts.ts'
import { createParkedNames, fold, plan, routesOf } from './fold.ts'
import { withHeldLane } from './hold.ts'
import { PARKED, PARKED_INDEXES, type ParkedFact, parkedDocuments } from './parked.ts'
import { Superseded } from './runner.ts'

/** The lane in which a projection of a group is built beside the live one. */
export const besideId = (group: string, projection: string): string => `${group}/${projection}`

const memberOf = ({ name, version }: Projection): Member => ({ collection: `${name}_v${version}`, version })

/** What the projections of a group are to the lane that is live. */
export interface Fitted {
  readonly lane: Lane
  /** Folded into the live lane. */
  readonly current: readonly Projection[]
  /** Not built yet in the version of this program: they are served as they were, until they are. */
  readonly outdated: readonly Projection[]
}

export interface FitOptions {
  /** ms since the epoch. */
  readonly now?: () => number
  readonly readModel: ReadModel
  readonly group: string
  readonly projections: readonly Projection[]
  readonly writer: string
  /** The members that this process has been folding; undefined at its start, when it may drop what the program no longer has. */
  readonly ran: ReadonlySet<string> | undefined
}

const textOf = (position: bigint | undefined): string | null => (position === undefined ? null : sortable(position))

const aliasWrite = (alias: AliasDocument): Writes => ({
  collection: 'projections',
  inserts: [],
  replaces: [alias as Keyed],
  deletes: [],
})

interface Comparison {
  readonly current: readonly Projection[]
  readonly outdated: readonly Projection[]
  /** Members that this program does not have, or has in a newer version. */
  readonly dropped: readonly string[]
}

const compare = (lane: Lane, projections: readonly Projection[], ran: ReadonlySet<string> | undefined): Comparison => {
  const current: Projection[] = []
  const outdated: Projection[] = []
  for (const projection of projections) {
    const { name, version } = projection
    const member = lane.members[name]
    if (member !== undefined && member.version > version)
      throw new Superseded(`${name} is live in version ${member.version}, this program has version ${version}`)
    if (member?.version === version) current.push(projection)
    else if (ran?.has(name)) throw new Superseded(`another program has taken ${name} out of lane ${lane.id}`)
    else outdated.push(projection)
  }
  const names = new Set(projections.map(({ name }) => name))
  const strange = Object.keys(lane.members).filter((name) => !names.has(name))
  if (ran !== undefined && strange.length > 0) throw new Superseded(`another program has added ${strange.join(', ')}`)
  const dropped = outdated.map(({ name }) => name).filter((name) => lane.members[name] !== undefined)
  return { current, outdated, dropped: [...strange, ...dropped] }
}

/**
 * Makes the lane and the program agree. A new lane holds all projections. What the lane has in an older version (or not at all) is
 * taken out of it, so that it stands still until it is built anew beside it. Rejects with Superseded when the lane has something
 * newer.
 */
export const fitLane = async ({
  readModel,
  group,
  projections,
  writer,
  ran,
  now = Date.now,
}: FitOptions): Promise<Fitted> => {
  await readModel.prepare(PARKED, PARKED_INDEXES)
  let lane = await readModel.lanes.read(group)
  if (lane === undefined) {
    // All at once: the store commits those together that ask together.
    await Promise.all(projections.map((one) => readModel.prepare(memberOf(one).collection, one.indexes)))
    const members = Object.fromEntries(projections.map((projection) => [projection.name, memberOf(projection)]))
    lane = await readModel.lanes.create({ id: group, members, writer })
  }
  if (lane.heldUntil > now()) throw new ReadModelUnavailable(`lane ${group} is being changed`)
  if (compare(lane, projections, ran).dropped.length > 0)
    lane = await withHeldLane(readModel, group, writer, async ({ lane: held, release }) => {
      const { dropped } = compare(held, projections, ran)
      const members = Object.fromEntries(Object.entries(held.members).filter(([name]) => !dropped.includes(name)))
      // Where they stopped is kept, so that they can go on from there if they are rolled back to.
      const writes = (await readModel.aliases.all())
        .filter(({ _id }) => dropped.includes(_id))
        .map((alias) => aliasWrite({ ...alias, stopped: textOf(held.position) }))
      const changed = await release({ members }, writes)
      if (changed.kind !== 'committed')
        throw new ReadModelUnavailable(`lane ${group} was changed at the same time, or cannot be`)
      return changed.lane
    })
  const { current, outdated } = compare(lane, projections, ran)
  const { members } = lane
  await Promise.all(
    current.map(async ({ name, indexes }) => {
      const live = members[name]!
      await readModel.prepare(live.collection, indexes)
      await readModel.aliases.create({ _id: name, group, live })
    }),
  )
  return { lane, current, outdated }
}

/**
 * A collection is filled faster without its indexes, which are built at the end. Those that can refuse a document are there from the
 * beginning.
 */
export const indexesWhileBuilding = ({ indexes }: Projection) => indexes.filter(({ unique }) => unique)

/** A collection that no alias, no lane and no earlier build uses. */
const freshMember = async (readModel: ReadModel, projection: Projection): Promise<Member> => {
  const plain = memberOf(projection)
  const aliases = await readModel.aliases.all()
  const used = new Set(aliases.flatMap(({ live, previous }) => [live.collection, previous?.collection]))
  let collection = plain.collection
  for (let n = 2; used.has(collection); n++) collection = `${plain.collection}_${n}`
  return { ...plain, collection }
}

/** The lane in which the projection is being built beside the live one: the one begun before, or a new and empty one. */
export const laneBeside = async (
  readModel: ReadModel,
  group: string,
  projection: Projection,
  writer: string,
): Promise<Lane> => {
  const id = besideId(group, projection.name)
  const begun = await readModel.lanes.read(id)
  if (begun?.members[projection.name]?.version === projection.version) return begun
  if (begun !== undefined) await dropBeside(readModel, group, projection.name)
  const member = await freshMember(readModel, projection)
  // A leftover of a build that was given up: nothing points at it.
  await readModel.drop(member.collection)
  await readModel.prepare(member.collection, indexesWhileBuilding(projection))
  return readModel.lanes.create({ id, members: { [projection.name]: member }, writer })
}

/** Gives up what is being built beside the live one. */
export const dropBeside = async (readModel: ReadModel, group: string, name: string): Promise<void> => {
  const id = besideId(group, name)
  const lane = await readModel.lanes.read(id)
  if (lane === undefined) return
  await readModel.lanes.remove(id)
  await readModel.plain<ParkedFact>(PARKED).deleteMany({ lane: id })
  const member = lane.members[name]
  const used = (await readModel.aliases.all()).flatMap(({ live, previous }) => [live.collection, previous?.collection])
  if (member !== undefined && !used.includes(member.collection)) await readModel.drop(member.collection)
}

export type Swapped =
  | { readonly kind: 'promoted'; readonly position: bigint | undefined; readonly collection: string }
  /** One of the two lanes is too far from the other: catch up first. */
  | { readonly kind: 'behind' }
  /** Somebody else changed the lane meanwhile. */
  | { readonly kind: 'busy' }

export interface SwapOptions {
  readonly store: EventStore
  readonly readModel: ReadModel
  readonly group: string
  readonly projection: Projection
  readonly writer: string
}

/** The most facts that are folded while the live lane is held: more means that catching up is not over. */
const MAX_HELD_FACTS = 2_000

/** Facts after `from` up to and with `to`; undefined: too many. */
const factsBetween = async (
  store: EventStore,
  from: bigint | undefined,
  to: bigint,
): Promise<readonly RecordedFact[] | undefined> => {
  const facts: RecordedFact[] = []
  for await (const fact of store.readAll(from === undefined ? {} : { from })) {
    if (fact.position > to) break
    if (from !== undefined && fact.position <= from) continue
    facts.push(fact)
    if (facts.length > MAX_HELD_FACTS) return undefined
  }
  return facts
}

type Gap =
  /** What has to be folded to bring the lane beside to the live one's position. */
  | { readonly kind: 'facts'; readonly facts: readonly RecordedFact[] }
  /** The lane beside has folded facts that the live one has not: it will soon. */
  | { readonly kind: 'ahead' }
  /** Too many facts lie between. */
  | { readonly kind: 'far' }

const gapBetween = async (store: EventStore, live: bigint | undefined, beside: bigint | undefined): Promise<Gap> => {
  if (live === beside) return { kind: 'facts', facts: [] }
  if (live !== undefined && (beside === undefined || beside < live)) {
    const facts = await factsBetween(store, beside, live)
    return facts === undefined ? { kind: 'far' } : { kind: 'facts', facts }
  }
  // Being ahead is harmless as long as no fact lies between, only the server's own events.
  const between = await factsBetween(store, live, beside!)
  return between?.length === 0 ? { kind: 'facts', facts: [] } : { kind: 'ahead' }
}

/** The live lane is waited for at most so long, ms. */
const LIVE_PATIENCE_MS = 2_000

/** Waits, without stopping anybody, until the live lane has passed what was built beside. */
const closeEnough = async ({ store, readModel, group }: SwapOptions, beside: bigint | undefined): Promise<boolean> => {
  const until = performance.now() + LIVE_PATIENCE_MS
  for (;;) {
    const live = await readModel.lanes.read(group)
    if (live === undefined) return true
    const { kind } = await gapBetween(store, live.position, beside)
    if (kind === 'facts') return true
    if (kind === 'far' || performance.now() > until) return false
    await sleep(20)
  }
}

/** How far what is live now has come: with its lane, unless it was taken out of it before. */
const stoppedAt = ({ stopped }: AliasDocument, { position }: Lane): string | null =>
  stopped === undefined ? textOf(position) : stopped

/**
 * Puts what was built beside in the place of the live one, at exactly the live lane's position and in one transaction: documents
 * for the last few facts, lane, alias, parked facts. Whoever runs in the lane beside loses it.
 */
export const swap = async (options: SwapOptions): Promise<Swapped> => {
  const { readModel, group, projection, writer } = options
  const { name } = projection
  const id = besideId(group, name)
  const seen = await readModel.lanes.read(id)
  if (seen?.members[name] === undefined) throw new Error(`${name} has not been built beside the live one`)
  if (!(await closeEnough(options, seen.position))) return { kind: 'behind' }
  // Another process may follow the log in the lane beside: it is kept away until the lane is no more.
  return withHeldLane(readModel, id, writer, async ({ lane: beside }) => {
    const member = beside.members[name]
    return member === undefined ? { kind: 'busy' } : swapHeld(options, beside, member)
  })
}

const swapHeld = async (options: SwapOptions, beside: Lane, member: Member): Promise<Swapped> => {
  const { store, readModel, group, projection, writer } = options
  const { name } = projection
  const { id } = beside
  return withHeldLane(readModel, group, writer, async ({ lane, release }) => {
    const gap = await gapBetween(store, lane.position, beside.position)
    if (gap.kind !== 'facts') return { kind: 'behind' }
    const { facts } = gap
    const parkedBeside = await readModel.plain<ParkedFact>(PARKED).find({ lane: id }, { limit: 10_000 })
    const alias = (await readModel.aliases.all()).find(({ _id }) => _id === name)
    const parkedBefore = await readModel
      .plain<ParkedFact>(PARKED)
      .find({ lane: group, projection: name }, { limit: 10_000 })
    const condemned = createCondemned()
    /** What is written without the documents that the store has refused so far. */
    const writesNow = async (): Promise<Writes[]> => {
      const names = condemned.addTo(createParkedNames(parkedBeside.map((fact) => [fact.projection, fact.key] as const)))
      const planned = plan(routesOf([projection]), facts, names)
      if (!projection.insertOnly) await fillFrom(readModel, member.collection, planned.copies)
      const folded = fold(planned, names)
      const parkings = condemned.explained([...planned.parkings, ...folded.parkings])
      const moved = [
        ...parkedBeside
          .filter((fact) => fact.projection === name)
          .map((fact) => ({ ...fact, _id: fact._id.replace(id, group), lane: group })),
        ...parkedDocuments(group, parkings, new Date()),
      ]
      const gone = [...parkedBeside, ...parkedBefore]
        .map(({ _id }) => _id)
        .filter((one) => !moved.some(({ _id }) => _id === one))
      return [
        ...writesOf(folded.changed, () => member.collection),
        ...(await createCounting(readModel, () => member.collection)(folded.changed)),
        { collection: PARKED, inserts: [], replaces: moved, deletes: gone },
        { collection: CHECKPOINTS, inserts: [], replaces: [], deletes: [id] },
        aliasWrite({
          _id: name,
          group,
          live: member,
          previous: alias === undefined ? null : { ...alias.live, position: stoppedAt(alias, lane) },
          promotedAt: new Date(),
        }),
      ]
    }
    const members = { ...lane.members, [name]: member }
    let released = await release({ members }, await writesNow())
    while (released.kind === 'rejected') {
      const known = condemned.size
      for (const { collection, key, error } of released.refused)
        if (collection === member.collection) condemned.add(name, key, error)
      if (condemned.size === known) throw new Error(`${name}: ${released.error}`)
      released = await release({ members }, await writesNow())
    }
    if (released.kind !== 'committed') return { kind: 'busy' }
    readModel.aliases.note({ [name]: member })
    const dropped = alias?.previous?.collection
    if (dropped !== undefined && dropped !== member.collection) await readModel.drop(dropped)
    return { kind: 'promoted', position: lane.position, collection: member.collection }
  })
}

/**
 * Makes what was live before the last promotion the lane beside, so that it can catch up and be promoted again. Rejects when there
 * is none, or when it was made by another version than this program has.
 */
export const previousBeside = async (
  readModel: ReadModel,
  group: string,
  projection: Projection,
  writer: string,
): Promise<Lane> => {
  const { name, version } = projection
  const alias = (await readModel.aliases.all()).find(({ _id }) => _id === name)
  const previous = alias?.previous
  if (!previous) throw new Error(`${name}: nothing to roll back to`)
  if (previous.version !== version)
    throw new Error(
      `${name}: what was live before has version ${previous.version}; a program that has it can roll back`,
    )
  await dropBeside(readModel, group, name)
  return readModel.lanes.create({
    id: besideId(group, name),
    members: { [name]: { collection: previous.collection, version: previous.version } },
    writer,
    position: previous.position === null ? undefined : BigInt(previous.position),
  })
}

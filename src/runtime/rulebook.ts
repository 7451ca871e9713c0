// The rulebook of this node: the compiled definitions in memory, fed by one live subscription, and the way to change them.

import { randomBytes } from 'node:crypto'
import { RULEBOOK_STREAM, uuidFrom } from '../domain/ids.ts'
import type { NewFact, RecordedFact } from '../domain/recorded.ts'
import { isRefused, type Refused } from '../domain/refusal.ts'
import { decideDefinitions, evolveDefinitions, NO_DEFINITIONS } from '../domain/rulebook/decide.ts'
import { asRead, changeOf, type DefinitionChange, factOf, type RulebookFact } from '../domain/rulebook/facts.ts'
import type { ConsentRule, Definitions, Project } from '../domain/rulebook/kind.ts'
import { compileRulebook, type Rulebook } from '../domain/rulebook/rulebook.ts'
import { wordsOf } from '../domain/rulebook/sound.ts'
import type { EventStore } from '../eventstore/index.ts'
import { backoffMs, sleep } from '../line/backoff.ts'
import { comesWithin } from '../line/time.ts'
import type { Logger } from '../log.ts'
import { createLru } from '../lru.ts'
import { TooBusy } from '../trouble.ts'
import type { CommandContext } from './customers.ts'
import { followStream } from './following.ts'

export type Changed =
  | {
      readonly kind: 'changed'
      readonly rulebook: Rulebook
      readonly position: bigint | undefined
      /** It was made before and deleted since: the rulebook is that of then. */
      readonly isDeleted?: true
    }
  | { readonly kind: 'refused'; readonly refused: Refused }

export interface RulebookRuntime {
  current(): Rulebook
  /** The rulebook as it stood at a revision: what a fact recorded under it was decided by. */
  at(revision: bigint): Promise<Rulebook>
  /**
   * Decides and records a change. `propose` sees the newest definitions and is asked again after a conflict; what it gives is
   * recorded all or none.
   */
  change(
    propose: (definitions: Definitions) => readonly DefinitionChange[] | Refused,
    context: CommandContext,
  ): Promise<Changed>
  /** True once every definition recorded up to `position`, which must be one of the log, is known; false when the time is over first. */
  waitFor(position: bigint, timeoutMs: number): Promise<boolean>
  /** Called after each revision that this node takes in; returns how to stop being called. */
  onChange(listener: (rulebook: Rulebook) => void): () => void
  stop(): Promise<void>
}

export interface RulebookOptions {
  readonly store: EventStore
  /** The zone is that of a new project; one that there is gets it unless the node `follows` whatever it has. */
  readonly project: {
    readonly id: string
    readonly timeZone: string
    readonly follows?: boolean
    /** Absent: whatever the project has. */
    readonly consent?: ConsentRule
  }
  readonly log: Logger
  readonly now: () => number
}

const MAX_ATTEMPTS = 30
/** Waits after a conflict, ms. */
const CONFLICT = { baseMs: 2, maxMs: 100 }
const MAX_AT = 64
/** Command keys that are remembered; a repeat after more changes than that is decided again. */
const MAX_KEYS = 10_000

export const startRulebook = async ({ store, project, log, now }: RulebookOptions): Promise<RulebookRuntime> => {
  let definitions = NO_DEFINITIONS
  let compiled = compileRulebook(definitions)
  const listeners = new Set<(rulebook: Rulebook) => void>()
  const past = new Map<string, Rulebook>()

  /** Keys of the commands that the definitions come from. */
  const decided = createLru<true>({ entries: MAX_KEYS })

  /** Up to which revision the making of a definition was recorded, by its id: of those too that are deleted. */
  const madeBy = new Map<string, bigint>()
  /** The command of the newest fact, and what it has made so far. */
  let newest: { readonly key: string | undefined; readonly made: string[] } = { key: undefined, made: [] }
  const noteMade = (fact: Taken): void => {
    const { commandKey: key } = fact.metadata
    if (key === undefined || key !== newest.key) newest = { key, made: [] }
    const change = changeOf(fact)
    if (change?.verb === 'Created') newest.made.push(change.id)
    for (const id of newest.made) madeBy.set(id, fact.revision)
  }

  type Taken = RulebookFact & { readonly revision: bigint; readonly metadata: { readonly commandKey?: string } }
  const take = (facts: readonly Taken[]): void => {
    let next = definitions
    for (const fact of facts) {
      if (fact.metadata.commandKey !== undefined) decided.set(fact.metadata.commandKey, true)
      if (fact.revision <= BigInt(next.revision)) continue
      noteMade(fact)
      next = evolveDefinitions(next, fact, String(fact.revision))
    }
    if (next === definitions) return
    const before = compiled.off
    definitions = next
    compiled = compileRulebook(next)
    for (const [key, { kind, id, faults }] of compiled.off)
      if (!before.has(key)) log.error({ kind, id }, `a definition is switched off: ${wordsOf(faults)}`)
    for (const listener of listeners) listener(compiled)
  }

  /** Every definition recorded up to here is known. */
  let seenTo = -1n
  const catchUp = async (): Promise<void> => {
    const facts: RecordedFact[] = []
    for await (const fact of store.readStream(RULEBOOK_STREAM, { from: BigInt(definitions.revision) + 1n }))
      facts.push(fact)
    take(facts)
  }

  const append = (facts: readonly RulebookFact[], context: Omit<CommandContext, 'key'> & { key: string }) =>
    store.append(
      RULEBOOK_STREAM,
      facts.map(
        (fact, i): NewFact => ({
          id: uuidFrom('rulebook', context.key, context.requestId, definitions.revision, String(i)),
          type: fact.type,
          data: fact.data,
          metadata: {
            $correlationId: context.requestId,
            commandKey: context.key,
            rulebook: definitions.revision,
            actor: context.actor,
            now: context.now,
          },
        }),
      ),
      definitions.revision === '-1' ? 'no_stream' : BigInt(definitions.revision),
      context.deadline === undefined ? {} : { deadline: context.deadline },
    )

  /** Records what this node's settings say of the project. */
  const recordSetting = async (fact: RulebookFact): Promise<void> => {
    const key = randomBytes(16).toString('hex')
    await append([fact], { key, requestId: 'start', actor: { name: 'tributary', role: 'system' }, now: now() })
    await catchUp()
  }

  await catchUp()
  const { id, timeZone, consent } = project
  if (!definitions.project) {
    // Every node of a project must turn a source id into the same customer: whoever is first decides the key for all.
    const opened: Project = { id, timeZone, customerKey: randomBytes(32).toString('base64url') }
    await recordSetting({ type: 'ProjectOpened', data: opened })
  } else if (project.follows && definitions.project.timeZone !== timeZone) {
    log.warn(
      { setting: timeZone, project: definitions.project.timeZone },
      'another node changed the time zone of the project: this one follows it; set PROJECT_TIME_ZONE alike on all',
    )
  } else if (definitions.project.timeZone !== timeZone) {
    await recordSetting({ type: 'ProjectChanged', data: { timeZone } })
  }
  if (consent !== undefined && (definitions.project?.consent ?? 'refusals') !== consent)
    await recordSetting({
      type: 'ProjectChanged',
      data: { timeZone: definitions.project?.timeZone ?? timeZone, consent },
    })

  const live = followStream({
    store,
    stream: RULEBOOK_STREAM,
    from: () => BigInt(definitions.revision),
    take,
    log,
  })

  const at: RulebookRuntime['at'] = async (revision) => {
    const name = String(revision)
    if (name === definitions.revision) return compiled
    const known = past.get(name)
    if (known) return known
    // Whoever goes through the log asks for one after the other: what is between them is read, not all that was before.
    let then = NO_DEFINITIONS
    for (const { definitions: known } of past.values())
      if (BigInt(known.revision) < revision && BigInt(known.revision) > BigInt(then.revision)) then = known
    const from = BigInt(then.revision) + 1n
    if (revision >= from)
      for await (const fact of store.readStream(RULEBOOK_STREAM, { from, maxCount: Number(revision - from + 1n) }))
        then = evolveDefinitions(then, fact, String(fact.revision))
    const made = compileRulebook(then)
    past.set(name, made)
    if (past.size > MAX_AT) past.delete(past.keys().next().value!)
    return made
  }

  /** The rulebook in which there is what these changes would make, where they made it once and it was deleted since. */
  const beforeDeletion = async (proposed: readonly DefinitionChange[]): Promise<Rulebook | undefined> => {
    const gone = proposed.find(
      ({ kind, verb, id }) => verb === 'Created' && madeBy.has(id) && !definitions.entries[kind]?.has(id),
    )
    return gone && at(madeBy.get(gone.id)!)
  }

  const changeNow: RulebookRuntime['change'] = async (propose, context) => {
    const key = context.key ?? randomBytes(16).toString('hex')
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const proposed = propose(definitions)
      const then = isRefused(proposed) ? undefined : await beforeDeletion(proposed)
      const changes = isRefused(proposed) ? proposed : decideDefinitions(then?.definitions ?? definitions, proposed)
      if (isRefused(changes)) return { kind: 'refused', refused: changes }
      // A repeat does nothing twice, also when others have turned back what it did: it is answered with what it made.
      if (then) return { kind: 'changed', rulebook: then, position: undefined, isDeleted: true }
      if (changes.length === 0 || decided.has(key) || context.dryRun)
        return { kind: 'changed', rulebook: compiled, position: undefined }
      const facts = changes.map((change) => asRead(factOf(change)))
      const result = await append(facts, { ...context, key })
      if (result.kind === 'appended') {
        const first = result.revision - BigInt(facts.length - 1)
        take(facts.map((fact, i) => ({ ...fact, revision: first + BigInt(i), metadata: { commandKey: key } })))
        return { kind: 'changed', rulebook: compiled, position: result.position }
      }
      // Others are at it too: whoever waits for a different time is in nobody's way.
      await sleep(backoffMs(attempt, CONFLICT))
      await catchUp()
    }
    throw new TooBusy('the rulebook')
  }

  /** One change of this node's after the other: at once, all but one would meet a conflict, and the sixth would be given up. */
  let underWay: Promise<unknown> = Promise.resolve()
  const change: RulebookRuntime['change'] = (propose, context) => {
    const changed = underWay.then(() => changeNow(propose, context))
    underWay = changed.catch(() => undefined)
    return changed
  }

  return {
    current: () => compiled,
    at,
    change,
    async waitFor(position, timeoutMs) {
      if (position <= seenTo) return true
      // Who knows the position has seen it recorded: a read that begins now gives every definition up to it.
      const read = catchUp().then(() => {
        if (position > seenTo) seenTo = position
      })
      return comesWithin(read, timeoutMs)
    },
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async stop() {
      live.unsubscribe()
    },
  }
}

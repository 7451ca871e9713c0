// Rebuilds that an operator asked for: they run on in this node after the request, and are shown until the next one.
import { errorText } from '../domain/errorText.ts'
import type { Background } from '../services.ts'

export type RebuildKind = 'rebuild' | 'promote' | 'rollback'

export interface Rebuild {
  readonly kind: RebuildKind
  readonly state: 'running' | 'ready' | 'promoted' | 'aborted' | 'failed'
  readonly startedAt: number
  readonly error?: string
}

export interface Rebuilds {
  /** The last one of this projection that this node was asked for. */
  of(name: string): Rebuild | undefined
  /** False: one of this projection is running. `promote`: false leaves a rebuild ready beside the live one. */
  start(name: string, kind: RebuildKind, now: number, promote?: boolean): boolean
}

const byBackground = new WeakMap<Background, Rebuilds>()

/** The rebuilds of a node; the same for the routes that start and those that show them. */
export const rebuildsOf = (background: Background): Rebuilds => {
  const known = byBackground.get(background)
  if (known) return known
  const { projector } = background
  const running = new Map<string, Rebuild>()
  const made: Rebuilds = {
    of: (name) => running.get(name),
    start(name, kind, startedAt, promote = true) {
      if (running.get(name)?.state === 'running') return false
      running.set(name, { kind, state: 'running', startedAt })
      const work = kind === 'rebuild' ? projector.rebuild(name, { promote }) : projector[kind](name)
      work.then(
        (built) => running.set(name, { kind, state: built.kind, startedAt }),
        (error: unknown) =>
          running.set(name, {
            kind,
            state: 'failed',
            startedAt,
            error: errorText(error),
          }),
      )
      return true
    },
  }
  byBackground.set(background, made)
  return made
}

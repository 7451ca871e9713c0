// Preview: which customers a segment that is not there yet would have, with nothing written.
import type { CustomerDocument } from '../../projections/customers.ts'
import type { Condition } from '../domain/conditions/ast.ts'
import { compile } from '../domain/conditions/compile.ts'
import { NO_CONTEXT } from '../domain/conditions/subject.ts'
import { subjectOf } from '../domain/customer/conditions.ts'
import { startAccumulation } from '../domain/customer/derive.ts'
import { customerStream } from '../domain/ids.ts'
import { environmentOf } from '../domain/rulebook/environment.ts'
import type { Services } from '../services.ts'

export interface Preview {
  readonly matching: number
  /** At most `MAX_IDS`. */
  readonly customers: readonly string[]
  readonly looked_at: number
  /** Customers there are. */
  readonly total: number
  /** False: time ran out, or enough were looked at, before every customer was. */
  readonly complete: boolean
}

export interface PreviewBounds {
  /** When to answer with what there is, ms. */
  readonly deadline: number
  /** Customers that are looked at. */
  readonly most: number
  /** Aborted: nobody waits for the answer any more. */
  readonly signal: AbortSignal
}

const PAGE = 500
const AT_ONCE = 48
const MAX_IDS = 20_000

/** Asks the condition of every customer within the bounds, in order of id: the first ones are a fair sample, since ids say nothing. */
export const preview = async (
  { readModel, customers, rulebook, store, clock }: Services,
  condition: Condition,
  now: number,
  { deadline, most, signal }: PreviewBounds,
): Promise<Preview> => {
  const { accumulators, evaluate } = compile(condition, environmentOf(rulebook.current().definitions))
  const matches = async (id: string): Promise<boolean> => {
    const { state, revision } = await customers.load(id)
    if (state.status !== 'active') return false
    const missing = accumulators.filter(
      (spec) =>
        !Object.hasOwn(state.derived.accumulators, spec.key) &&
        spec.types.some((type) => Object.hasOwn(state.occurrences, type)),
    )
    const accumulation = startAccumulation(missing)
    if (missing.length > 0)
      for await (const fact of store.readStream(customerStream(id), { maxCount: Number(revision + 1n) }))
        accumulation.take(fact)
    return evaluate(subjectOf(accumulation.into(state)), NO_CONTEXT, now).holds
  }

  const everybody = readModel.collection<CustomerDocument>('customers')
  const found: string[] = []
  let matching = 0
  let lookedAt = 0
  let cursor: string | undefined
  const total = await everybody.count({})
  const isOver = (): boolean => signal.aborted || clock.now() >= deadline
  for (;;) {
    const asked = Math.min(PAGE, most - lookedAt)
    const page = await everybody.find(cursor === undefined ? {} : { _id: { $gt: cursor } }, {
      sort: { _id: 1 },
      limit: asked,
      projection: { _id: 1 },
    })
    const queue = page.map(({ _id }) => _id)
    await customers.foresee(queue)
    const matched: string[] = []
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        for (let id = queue.shift(); id !== undefined && !isOver(); id = queue.shift()) {
          if (await matches(id)) matched.push(id)
          lookedAt++
        }
      }),
    )
    matching += matched.length
    found.push(...matched.sort().slice(0, MAX_IDS - found.length))
    const isWhole = queue.length === 0 && page.length < asked
    if (isWhole || queue.length > 0 || lookedAt >= most)
      return { matching, customers: found, looked_at: lookedAt, total, complete: isWhole || lookedAt >= total }
    cursor = page.at(-1)!._id
  }
}

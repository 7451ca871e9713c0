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
  /** False: time ran out before every customer was looked at. */
  readonly complete: boolean
}

const PAGE = 500
const AT_ONCE = 48
const MAX_IDS = 20_000

/** Asks the condition of every customer, in order of id, until all were asked or `deadline` (ms) has come. */
export const preview = async (
  { readModel, customers, rulebook, store }: Services,
  condition: Condition,
  now: number,
  deadline: number,
  clock: () => number,
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
  for (;;) {
    const page = await everybody.find(cursor === undefined ? {} : { _id: { $gt: cursor } }, {
      sort: { _id: 1 },
      limit: PAGE,
      projection: { _id: 1 },
    })
    const queue = page.map(({ _id }) => _id)
    await customers.foresee(queue)
    const matched: string[] = []
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        for (let id = queue.shift(); id !== undefined && clock() < deadline; id = queue.shift()) {
          if (await matches(id)) matched.push(id)
          lookedAt++
        }
      }),
    )
    matching += matched.length
    found.push(...matched.sort().slice(0, MAX_IDS - found.length))
    if (queue.length > 0) return { matching, customers: found, looked_at: lookedAt, complete: false }
    if (page.length < PAGE) return { matching, customers: found, looked_at: lookedAt, complete: true }
    cursor = page.at(-1)!._id
  }
}

// What is held of a person, and where it comes from: the answer to a request for access (GDPR, article 15).
import * as v from 'valibot'
import { Consents, showConsents } from '../src/api/presenters/consents.ts'
import { CustomerObject, showCustomerState } from '../src/api/presenters/customers.ts'
import { ById, isoOf } from '../src/api/shapes.ts'
import { activityId } from '../src/domain/customer/activity.ts'
import { customerStream } from '../src/domain/ids.ts'
import { decidedAt, type RecordedFact } from '../src/domain/recorded.ts'
import { factRegistry } from '../src/domain/registry.ts'
import type { FactRegistry } from '../src/eventstore/index.ts'
import { notFound } from '../src/http/errors.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'

/** Facts of a customer that are looked at for one page. */
const PAGE = 1_000

const PersonalDataQuery = v.object({
  /** `next_cursor` of the page before. */
  after: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^\d{1,15}$/, 'must be the next_cursor of the page before'),
      v.transform((text) => BigInt(text)),
    ),
  ),
})

const PersonalData = v.pipe(
  v.object({
    object: v.literal('personal_data'),
    customer: CustomerObject,
    consents: Consents,
    data_ref: v.literal('data'),
    data: v.array(
      v.object({
        id: v.string(),
        type: v.string(),
        created_at: v.string(),
        personal: v.record(v.string(), v.unknown()),
      }),
    ),
    has_more: v.boolean(),
    next_cursor: v.nullable(v.string()),
  }),
  v.title('PersonalData'),
)

const registry: FactRegistry = factRegistry

type Data = Readonly<Record<string, unknown>>

const personalOf = ({ type, data }: RecordedFact): Data | undefined =>
  registry[type]?.personal?.take(data as Data)?.taken

const personalData = async (services: Services, name: string, after: bigint | undefined): Promise<Outcome> => {
  const id = await services.customers.resolve(name)
  const { state } = await services.customers.load(id)
  if (state.status !== 'active') return notFound('customer', name)
  const data: v.InferInput<typeof PersonalData>['data'] = []
  let looked = 0
  let last = after ?? -1n
  for await (const fact of services.store.readStream(customerStream(id), { from: last + 1n, maxCount: PAGE })) {
    looked++
    last = fact.revision
    const personal = personalOf(fact)
    if (personal) data.push({ id: activityId(fact.id), type: fact.type, created_at: isoOf(decidedAt(fact)), personal })
  }
  const more = looked === PAGE
  return {
    body: {
      object: 'personal_data',
      customer: showCustomerState(state),
      consents: showConsents(services, state),
      data_ref: 'data',
      data,
      has_more: more,
      next_cursor: more ? String(last) : null,
    },
  }
}

export const personalDataQueries = (services: Services) => [
  route({
    method: 'get',
    path: '/v1/customers/{id}/personal-data',
    summary: 'All that is held of a person, and where it comes from',
    description:
      'The profile and the consents as they are now, and what each recorded fact holds of the person, oldest first: 1,000 facts are looked at for ' +
      'each page, so that a page may be short. `id` is that of the entry in the activity log.',
    tag: 'Customers',
    permission: 'customers.erase',
    params: ById,
    query: PersonalDataQuery,
    response: PersonalData,
    handler: (call) => personalData(services, call.params.id, call.query.after),
  }),
]

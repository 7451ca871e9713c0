// All fact types of all streams, by family: for the codec at the store's boundary, and for the catalogue of facts.

import type * as v from 'valibot'
import { accessFacts } from './access/facts.ts'
import { codeFacts } from './codes.ts'
import { capabilities } from './customer/capabilities.ts'
import type { customerFacts } from './customer/facts.ts'
import { orderHomeFacts } from './customer/orders/facts.ts'
import { profileFacts } from './customer/profileFacts.ts'
import { trackingFacts } from './customer/tracking.ts'
import { deliveryFacts } from './distributions/delivery.ts'
import { webhookFacts } from './distributions/webhookFacts.ts'
import { stockFacts } from './loyalty/stock.ts'
import type { PersonalParts } from './personal.ts'
import { keyFacts } from './personalFacts.ts'
import { ledgerFacts } from './redemption/ledger.ts'
import { rejectedFacts } from './rejected.ts'
import { requestFacts } from './requests.ts'
import { rulebookFacts } from './rulebook/facts.ts'
import { traceFacts } from './traces.ts'
import { codeSwitchFacts } from './vouchers/code.ts'
import { jobFacts } from './vouchers/job.ts'
import { publicationFacts } from './vouchers/publication.ts'

interface Row {
  readonly schema: v.GenericSchema
  readonly version: number
  readonly personal?: PersonalParts
}

export interface FactFamily {
  readonly title: string
  readonly stream: string
  readonly says: string
  readonly facts: Readonly<Record<string, Row>>
}

export const FACT_FAMILIES: readonly FactFamily[] = [
  { title: 'Profile', stream: 'customer-<id>', says: 'Who a customer is.', facts: profileFacts },
  { title: 'Tracked events', stream: 'customer-<id>', says: 'What a customer did.', facts: trackingFacts },
  ...Object.values(capabilities).map(
    ({ stream = 'customer-<id>', title, says, facts }): FactFamily => ({ title, stream, says, facts }),
  ),
  {
    title: 'Names of orders',
    stream: 'order-<id>',
    says: 'Which order an id or a `source_id` stands for, and whose it is.',
    facts: orderHomeFacts,
  },
  { title: 'Delivery', stream: 'message-<id>', says: 'What became of one message.', facts: deliveryFacts },
  { title: 'Codes', stream: 'code-<code>', says: 'Whose a code is; its first fact makes it unique.', facts: codeFacts },
  { title: 'Vouchers', stream: 'code-<code>', says: 'Changes of a code.', facts: codeSwitchFacts },
  {
    title: 'Limits',
    stream: 'code-<code>, limits-<campaign or promotion tier>',
    says: 'Who has a place in a limit.',
    facts: ledgerFacts,
  },
  { title: 'Stock of rewards', stream: 'reward-<id>', says: 'How many are left.', facts: stockFacts },
  {
    title: 'Publications',
    stream: 'publication-<digest>',
    says: 'Which request a source_id stands for.',
    facts: publicationFacts,
  },
  { title: 'Jobs', stream: 'job-<id>', says: 'Work in the background and how far it came.', facts: jobFacts },
  { title: 'Project webhooks', stream: 'webhook-<id>', says: 'What was told to it.', facts: webhookFacts },
  {
    title: 'Keys of personal data',
    stream: 'keys-main, key-<customer>',
    says: 'What makes personal data readable.',
    facts: keyFacts,
  },
  {
    title: 'Refused events',
    stream: 'rejected-events',
    says: 'What was sent and why it was not taken.',
    facts: rejectedFacts,
  },
  {
    title: 'Named requests',
    stream: 'request-<id>',
    says: 'Which content an Idempotency-Key stands for.',
    facts: requestFacts,
  },
  {
    title: 'Traces',
    stream: 'traces-<customer>',
    says: 'What a deleted customer left in read models.',
    facts: traceFacts,
  },
  {
    title: 'Access',
    stream: 'access-main',
    says: 'Keys, as digests, and roles of one’s own.',
    facts: accessFacts,
  },
  {
    title: 'Definitions',
    stream: 'rulebook-main',
    says: 'Every definition and each change of it.',
    facts: rulebookFacts,
  },
]

export const factRegistry: FactFamily['facts'] = Object.assign({}, ...FACT_FAMILIES.map(({ facts }) => facts))

/** Every type of fact with its row, but for definitions, whose types follow from their kinds. */
export type FactTables = typeof customerFacts &
  typeof codeFacts &
  typeof codeSwitchFacts &
  typeof deliveryFacts &
  typeof jobFacts &
  typeof keyFacts &
  typeof ledgerFacts &
  typeof orderHomeFacts &
  typeof publicationFacts &
  typeof rejectedFacts &
  typeof requestFacts &
  typeof accessFacts &
  typeof stockFacts &
  typeof traceFacts &
  typeof webhookFacts

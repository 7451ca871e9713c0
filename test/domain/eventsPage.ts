// The catalogue of facts, made from the registry: what can be in the log, in which stream, with which fields.

import { toJsonSchema } from '@valibot/to-json-schema'
import { accessFacts } from '../../src/domain/access/facts.ts'
import { codeFacts } from '../../src/domain/codes.ts'
import { consentFacts } from '../../src/domain/customer/consents.ts'
import { loyaltyFacts } from '../../src/domain/customer/loyalty/facts.ts'
import { messageFacts } from '../../src/domain/customer/messages.ts'
import { orderFacts, orderHomeFacts } from '../../src/domain/customer/orders/facts.ts'
import { profileFacts } from '../../src/domain/customer/profile.ts'
import { redemptionFacts } from '../../src/domain/customer/redemptions/facts.ts'
import { referralFacts } from '../../src/domain/customer/referrals/facts.ts'
import { segmentFacts } from '../../src/domain/customer/segmentFacts.ts'
import { trackingFacts } from '../../src/domain/customer/tracking.ts'
import { voucherFacts } from '../../src/domain/customer/vouchers/facts.ts'
import { deliveryFacts } from '../../src/domain/distributions/delivery.ts'
import { webhookFacts } from '../../src/domain/distributions/webhookFacts.ts'
import { stockFacts } from '../../src/domain/loyalty/stock.ts'
import { keyFacts } from '../../src/domain/personalFacts.ts'
import { ledgerFacts } from '../../src/domain/redemption/ledger.ts'
import { factRegistry } from '../../src/domain/registry.ts'
import { rejectedFacts } from '../../src/domain/rejected.ts'
import { requestFacts } from '../../src/domain/requests.ts'
import { rulebookFacts } from '../../src/domain/rulebook/facts.ts'
import { traceFacts } from '../../src/domain/traces.ts'
import { codeSwitchFacts } from '../../src/domain/vouchers/code.ts'
import { jobFacts } from '../../src/domain/vouchers/job.ts'
import { publicationFacts } from '../../src/domain/vouchers/publication.ts'
import type { FactSpec } from '../../src/eventstore/codec.ts'

type Facts = Readonly<Record<string, FactSpec>>

interface Family {
  readonly title: string
  readonly stream: string
  readonly says: string
  readonly facts: Facts
}

const FAMILIES: readonly Family[] = [
  { title: 'Profile', stream: 'customer-<id>', says: 'Who a customer is.', facts: profileFacts },
  {
    title: 'Consents',
    stream: 'customer-<id>',
    says: 'Whether a customer agreed to be written to, by channel.',
    facts: consentFacts,
  },
  { title: 'Tracked events', stream: 'customer-<id>', says: 'What a customer did.', facts: trackingFacts },
  {
    title: 'Segments',
    stream: 'customer-<id>',
    says: 'When a condition began and ceased to hold.',
    facts: segmentFacts,
  },
  { title: 'Loyalty', stream: 'customer-<id>', says: 'Cards, points, tiers and rewards.', facts: loyaltyFacts },
  {
    title: 'Referrals',
    stream: 'customer-<id>',
    says: 'Conversions and what was paid for them.',
    facts: referralFacts,
  },
  { title: 'Codes given', stream: 'customer-<id>', says: 'Codes that became a customer’s.', facts: voucherFacts },
  {
    title: 'Redemptions',
    stream: 'customer-<id>, or redemption-<request> for one without a customer',
    says: 'What came of a request to redeem.',
    facts: redemptionFacts,
  },
  {
    title: 'Orders',
    stream: 'customer-<id>, or order-<id> for one of nobody’s',
    says: 'What was ordered, each time whole, and what became of it.',
    facts: orderFacts,
  },
  {
    title: 'Names of orders',
    stream: 'order-<id>',
    says: 'Which order an id or a `source_id` stands for, and whose it is.',
    facts: orderHomeFacts,
  },
  {
    title: 'Messages asked for',
    stream: 'customer-<id>',
    says: 'And those that were not, with the reason.',
    facts: messageFacts,
  },
  { title: 'Delivery', stream: 'message-<id>', says: 'What became of one message.', facts: deliveryFacts },
  { title: 'Codes', stream: 'code-<code>', says: 'Whose a code is; its first fact makes it unique.', facts: codeFacts },
  { title: 'Vouchers', stream: 'code-<code>', says: 'Changes of a code.', facts: codeSwitchFacts },
  {
    title: 'Limits',
    stream: 'code-<code>, limits-<campaign>',
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

interface Shape {
  readonly type?: string | readonly string[]
  readonly properties?: Readonly<Record<string, Shape>>
  readonly required?: readonly string[]
  readonly items?: Shape
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly Shape[]
}

const MOST_NAMES = 6

/** A type in a few words. */
const words = (shape: Shape): string => {
  if (shape.const !== undefined) return JSON.stringify(shape.const)
  if (shape.enum) {
    const some = shape.enum.slice(0, MOST_NAMES).map((value) => JSON.stringify(value))
    return [...some, ...(shape.enum.length > some.length ? ['…'] : [])].join(' or ')
  }
  if (shape.anyOf) return [...new Set(shape.anyOf.map(words))].join(' or ')
  if (shape.type === 'array') return `list of ${words(shape.items ?? {})}`
  if (shape.properties) return `{ ${Object.keys(shape.properties).join(', ')} }`
  return typeof shape.type === 'string' ? shape.type : 'anything'
}

const fieldsOf = ({ schema }: FactSpec): string => {
  const shape = toJsonSchema(schema, { errorMode: 'ignore', typeMode: 'output' }) as Shape
  const required = new Set(shape.required)
  return Object.entries(shape.properties ?? {})
    .map(([name, inner]) => `\`${name}${required.has(name) ? '' : '?'}\` ${words(inner).replaceAll('|', '\\|')}`)
    .join('; ')
}

const familyPage = ({ title, stream, says, facts }: Family): string => {
  const rows = Object.entries(facts).map(
    ([type, spec]) => `| \`${type}\` | ${spec.version} | ${fieldsOf(spec)} | ${spec.personal?.named ?? ''} |`,
  )
  return `## ${title}\n\n\`${stream}\`. ${says}\n\n| Fact | Version | Fields | Personal |\n|---|---|---|---|\n${rows.join('\n')}\n`
}

/** Types of the registry that no family of the page has. */
export const missingFacts = (): readonly string[] => {
  const shown = new Set(FAMILIES.flatMap(({ facts }) => Object.keys(facts)))
  return Object.keys(factRegistry).filter((type) => !shown.has(type))
}

export const eventsPage = (): string => `# Facts

All that can be in the event log, made from \`registry.ts\` (\`npm run events\` writes it again, a test holds it to the code). A fact is
read by its type and the version of its shape (\`metadata.schemaVersion\`); older versions are brought to the newest by the upcasters
beside the schema. \`?\` marks fields that may be absent. What is personal is kept encrypted under the customer's key, in
\`metadata.personal\`. Instants are milliseconds since the epoch, points and money whole numbers (minor units).

${FAMILIES.map(familyPage).join('\n')}`

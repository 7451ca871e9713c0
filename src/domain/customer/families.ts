// The families of a customer's facts: what each makes of the customer, and its facts as events.

import { type CapabilityName, capabilities } from './capabilities.ts'
import type { Capability } from './capability.ts'
import { evolveBy, type FactRow, type Happening } from './factRow.ts'
import type { CustomerFact, CustomerFactType } from './facts.ts'
import { profileFacts } from './profileFacts.ts'
import type { CustomerState } from './state.ts'
import { trackingFacts } from './tracking.ts'

interface Family {
  readonly facts: Readonly<Record<string, unknown>>
  evolve(state: CustomerState, fact: CustomerFact): CustomerState
  happening(fact: CustomerFact): Happening | undefined
}

/** A family whose facts are about the whole customer. */
const whole = (facts: Readonly<Record<string, FactRow<CustomerState>>>): Family => ({
  facts,
  evolve: evolveBy(facts),
  happening: ({ type, data }) => facts[type]?.happening?.(data),
})

type AnyCapability = Capability<CustomerState[CapabilityName], Readonly<Record<string, unknown>>>

const ofCapability = ([name, { facts, evolve, happening }]: readonly [string, AnyCapability]): Family => ({
  facts,
  evolve: (state, fact) => ({ ...state, [name]: evolve(state[name as CapabilityName], fact) }),
  happening,
})

const CAPABILITIES = Object.entries(capabilities as unknown as Readonly<Record<CapabilityName, AnyCapability>>)

const byType = new Map(
  [whole(profileFacts), whole(trackingFacts), ...CAPABILITIES.map(ofCapability)].flatMap((family) =>
    Object.keys(family.facts).map((type) => [type, family] as const),
  ),
)

/** What capabilities note of facts that are not theirs. */
for (const [name, { notes = {} }] of CAPABILITIES)
  for (const [type, note] of Object.entries(notes)) {
    const family = byType.get(type)
    if (!family) throw new Error(`${name} notes ${type}, which is no fact of a customer`)
    byType.set(type, {
      ...family,
      evolve: (before, fact) => {
        const state = family.evolve(before, fact)
        return { ...state, [name]: note(state[name as CapabilityName], fact) }
      },
    })
  }

/** The family of a customer's fact. */
export const familyOf = ({ type }: { readonly type: CustomerFactType }): Family => {
  const family = byType.get(type)
  if (!family) throw new Error(`no family of facts has ${type}`)
  return family
}

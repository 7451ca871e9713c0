// What exists in a project, as conditions need to know it when they are written.

import type { Condition } from '../conditions/ast.ts'
import { compile } from '../conditions/compile.ts'
import type { Environment } from '../conditions/environment.ts'
import { reachOf } from '../conditions/sources.ts'
import { MAX_STEPS, worstCase } from '../conditions/steps.ts'
import { MAX_ORDER_ITEMS } from '../conditions/subject.ts'
import { errorText } from '../errorText.ts'
import type { Campaign } from './campaign.ts'
import { entriesOf } from './entries.ts'
import type { EventSchema } from './eventSchema.ts'
import { namedIn } from './keptWhile.ts'
import type { Definitions, Fault } from './kind.ts'

/** The environment that the definitions make. Nothing of them is looked at before a condition asks for it. */
export const environmentOf = (definitions: Definitions): Environment => {
  const schemas = () => namedIn<EventSchema>(definitions, 'eventSchema')
  return {
    get timeZone() {
      return definitions.project?.timeZone ?? 'UTC'
    },
    eventSchemas: {
      get: (name) => schemas().get(name)?.definition.schema,
      has: (name) => schemas().has(name),
      keys: () => schemas().keys(),
    },
    segments: { has: (id) => entriesOf(definitions, 'segment').has(id) },
    campaigns: { has: (id) => entriesOf(definitions, 'campaign').has(id) },
    campaignNamed: (name) => namedIn<Campaign>(definitions, 'campaign').get(name)?.id,
  }
}

/** What keeps a condition that could be parsed from being used: what it can cost, or that it was written for another program. */
export const compileFaults = (condition: Condition, environment: Environment, path: string): readonly Fault[] => {
  const steps = worstCase(condition, reachOf)
  if (steps > MAX_STEPS)
    return [
      {
        path,
        message: `must NOT take more than ${MAX_STEPS} steps with an order of ${MAX_ORDER_ITEMS} items (takes ${steps})`,
      },
    ]
  try {
    compile(condition, environment)
    return []
  } catch (error) {
    return [{ path, message: `cannot be compiled: ${errorText(error)}` }]
  }
}

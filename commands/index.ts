// All command routes.
import type { Route } from '../src/http/route.ts'
import type { Services } from '../src/runtime/services.ts'
import { customerCommands } from './customers.ts'
import { distributionCommands } from './distributions.ts'
import { eventSchemaCommands } from './eventSchemas.ts'
import { eventCommands } from './events.ts'
import { messageCommands } from './messages.ts'
import { segmentCommands } from './segments.ts'
import { validationRuleCommands } from './validationRules.ts'
import { webhookCommands } from './webhooks.ts'

export const commandRoutes = (services: Services): readonly Route[] => [
  ...eventCommands(services),
  ...eventSchemaCommands(services),
  ...customerCommands(services),
  ...segmentCommands(services),
  ...validationRuleCommands(services),
  ...distributionCommands(services),
  ...messageCommands(services),
  ...webhookCommands(services),
]

// All query routes.
import type { Route } from '../src/http/route.ts'
import type { Services } from '../src/runtime/services.ts'
import { activityQueries } from './activity.ts'
import { auditQueries } from './audit.ts'
import { customerQueries } from './customers.ts'
import { distributionQueries } from './distributions.ts'
import { eventSchemaQueries } from './eventSchemas.ts'
import { eventQueries } from './events.ts'
import { messageQueries } from './messages.ts'
import { rejectedEventQueries } from './rejectedEvents.ts'
import { segmentQueries } from './segments.ts'
import { validationRuleQueries } from './validationRules.ts'
import { webhookQueries } from './webhooks.ts'

export const queryRoutes = (services: Services): readonly Route[] => [
  ...customerQueries(services),
  ...activityQueries(services),
  ...eventQueries(services),
  ...rejectedEventQueries(services),
  ...eventSchemaQueries(services),
  ...auditQueries(services),
  ...segmentQueries(services),
  ...validationRuleQueries(services),
  ...distributionQueries(services),
  ...messageQueries(services),
  ...webhookQueries(services),
]

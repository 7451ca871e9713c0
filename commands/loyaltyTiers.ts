// Creating, changing and deleting tiers of a loyalty program.
import { randomBytes } from 'node:crypto'
import * as v from 'valibot'
import { ByCampaign, findProgram } from '../src/api/presenters/loyalties.ts'
import { ByTier, findTier, showTier, TierObject } from '../src/api/presenters/loyaltyTiers.ts'
import { idFrom } from '../src/domain/ids.ts'
import { LoyaltyTier } from '../src/domain/rulebook/loyaltyTier.ts'
import { isFailure } from '../src/http/errors.ts'
import { type Outcome, route } from '../src/http/route.ts'
import type { Services } from '../src/services.ts'
import { changeDefinitions, recorded } from './definitions.ts'
import { invalid } from './invalid.ts'

const TAG = 'Loyalty tiers'

const { campaign_id: _, ...fields } = LoyaltyTier.entries
const SHOWN = ['campaign_id', 'config']
const TierBody = v.pipe(v.object(fields), recorded(...SHOWN), v.title('LoyaltyTierBody'))
const TierPatch = v.pipe(v.partial(v.object(fields)), recorded(...SHOWN))

/** The contract's bound on the tiers of a program. */
const MAX_TIERS = 100

export const loyaltyTierCommands = (services: Services) => [
  route({
    method: 'post',
    path: '/v1/loyalties/{campaignId}/tiers',
    summary: 'Create tiers, all or none',
    description:
      'A list. Ranges of points may not overlap. Cards come under them at their next change, or by the clock.',
    tag: TAG,
    permission: 'definitions.write',
    params: ByCampaign,
    body: v.pipe(v.array(TierBody), v.minLength(1), v.maxLength(MAX_TIERS)),
    response: v.array(TierObject),
    handler: (call): Outcome | Promise<Outcome> => {
      const program = findProgram(services, call.params.campaignId)
      if (isFailure(program)) return program
      const key = call.idempotencyKey ?? randomBytes(16).toString('hex')
      const ids = call.body.map((_, i) => idFrom('ltr', key, String(i)))
      return changeDefinitions(
        services,
        call,
        () =>
          call.body.map((body, i) => ({
            kind: 'loyaltyTier',
            verb: 'Created',
            id: ids[i]!,
            definition: { ...body, campaign_id: program.id },
            occurredAt: call.now,
          })),
        (rulebook) => ({ body: ids.map((id) => showTier(rulebook.entries('loyaltyTier').get(id)!)) }),
      )
    },
  }),
  route({
    method: 'put',
    ifMatch: true,
    path: '/v1/loyalties/{campaignId}/tiers/{tierId}',
    summary: 'Change a tier',
    tag: TAG,
    permission: 'definitions.write',
    params: ByTier,
    body: TierPatch,
    response: TierObject,
    handler: (call): Outcome | Promise<Outcome> => {
      const found = findTier(services, call.params)
      if (isFailure(found)) return found
      const parsed = v.safeParse(LoyaltyTier, {
        ...found.definition,
        ...call.body,
        campaign_id: found.definition.campaign_id,
      })
      if (!parsed.success) return invalid(parsed.issues)
      return changeDefinitions(
        services,
        call,
        () => [{ kind: 'loyaltyTier', verb: 'Updated', id: found.id, definition: parsed.output, occurredAt: call.now }],
        (rulebook) => ({ body: showTier(rulebook.entries('loyaltyTier').get(found.id)!) }),
      )
    },
  }),
  route({
    method: 'delete',
    ifMatch: true,
    path: '/v1/loyalties/{campaignId}/tiers/{tierId}',
    summary: 'Delete a tier',
    tag: TAG,
    permission: 'definitions.write',
    params: ByTier,
    status: 204,
    handler: (call): Outcome | Promise<Outcome> => {
      const found = findTier(services, call.params)
      if (isFailure(found)) return found
      return changeDefinitions(
        services,
        call,
        () => [{ kind: 'loyaltyTier', verb: 'Deleted', id: found.id, occurredAt: call.now }],
        () => ({ status: 204 }),
      )
    },
  }),
]

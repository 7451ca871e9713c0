// Definitions that belong to a campaign: how a path names them within it.
import { type Refused, refuseNotFound } from '../../domain/refusal.ts'
import type { Campaign, CampaignType } from '../../domain/rulebook/campaign.ts'
import { entriesOf } from '../../domain/rulebook/entries.ts'
import type { Definitions, Entry } from '../../domain/rulebook/kind.ts'
import type { DefinitionOf, KindName } from '../../domain/rulebook/kinds.ts'
import { campaignNamed } from '../presenters/campaigns.ts'
import type { PathNames } from './resource.ts'

/** Finds the campaign of a type that a path names by id or name. */
export const campaignOf =
  (type: CampaignType) =>
  (definitions: Definitions, { campaignId: name = '' }: PathNames): Entry<Campaign> | Refused => {
    const found = campaignNamed(definitions, name)
    return found?.definition.campaign_type === type ? found : refuseNotFound('campaign', name)
  }

/** Finds what a path names within the campaign that it names; `owner` says whose a definition is. */
export const partOf =
  <K extends KindName>(
    type: CampaignType,
    kind: K,
    { param, owner }: { readonly param: string; readonly owner: (definition: DefinitionOf<K>) => string },
  ) =>
  (definitions: Definitions, names: PathNames): Entry<DefinitionOf<K>> | Refused | undefined => {
    const campaign = campaignOf(type)(definitions, names)
    if ('refused' in campaign) return campaign
    const part = entriesOf(definitions, kind).get(names[param] ?? '')
    return part && owner(part.definition) === campaign.id ? part : undefined
  }

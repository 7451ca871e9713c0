// Who did it: every change of a definition, adjustment of a balance, deletion and erasure, and change of a key, user or role, with its actor.
import type { AccessFact } from '../src/domain/access/facts.ts'
import { sortable } from '../src/domain/position.ts'
import { decidedAt, type RecordedFact } from '../src/domain/recorded.ts'
import { changeOf, rulebookFacts } from '../src/domain/rulebook/facts.ts'
import type { Projection } from './projection.ts'

export interface AccessLogDocument {
  readonly _id: string
  readonly at: Date
  readonly actor: string
  readonly role: string
  /** What was done, such as `created`. */
  readonly action: string
  readonly resource_type: string
  readonly resource: string
  readonly request_id: string
  readonly position: string
}

interface Done {
  readonly action: string
  readonly type: string
  readonly id: string
}

/** `projectWebhook` as `project_webhook`, as names in answers are. */
const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

const card =
  (action: string) =>
  (data: unknown): Done => ({
    action,
    type: 'loyalty_card',
    id: (data as { readonly card: { readonly id: string } }).card.id,
  })
const customer =
  (action: string) =>
  (_: unknown, stream: string): Done => ({
    action,
    type: 'customer',
    id: stream.replace(/^customer-/, ''),
  })
const access =
  (action: string, type = 'access_key') =>
  (data: unknown): Done => {
    const of = data as AccessFact['data']
    if ('user' in of) return { action, type, id: of.user.id }
    if ('key' in of) return { action, type, id: of.key.id }
    if ('id' in of) return { action, type, id: of.id }
    return { action, type: 'role', id: 'role' in of ? of.role.name : of.name }
  }
const user = (action: string) => access(action, 'access_user')

const DONE: Readonly<Record<string, (data: unknown, stream: string) => Done>> = {
  AccessKeyCreated: access('created'),
  AccessKeyRotated: access('rotated'),
  AccessKeyRevoked: access('revoked'),
  AccessRoleSaved: access('saved'),
  AccessRoleDeleted: access('deleted'),
  AccessUserInvited: user('invited'),
  AccessUserLinkMade: user('link_made'),
  AccessUserChanged: user('changed'),
  AccessUserPasswordSet: user('password_set'),
  AccessUserSignedOut: user('signed_out'),
  AccessUserIdentified: user('identified'),
  AccessUserRemoved: user('removed'),
  PointsAdded: card('points_added'),
  PointsRemoved: card('points_removed'),
  PendingPointsUpdated: card('pending_points_changed'),
  PendingPointsCanceled: card('pending_points_canceled'),
  GiftCreditsChanged: (data) => {
    const { voucher, amount } = data as { readonly voucher: string; readonly amount: number }
    return { action: amount < 0 ? 'credits_removed' : 'credits_added', type: 'voucher', id: voucher }
  },
  CustomerDeleted: customer('deleted'),
  CustomerErased: customer('erased'),
}

const doneBy = (fact: RecordedFact): Done | undefined => {
  const change = changeOf(fact)
  if (change) return { action: change.verb.toLowerCase(), type: snake(change.kind), id: change.id }
  return Object.hasOwn(DONE, fact.type) ? DONE[fact.type]!(fact.data, fact.stream) : undefined
}

export const accessLog: Projection<AccessLogDocument> = {
  name: 'accessLog',
  version: 2,
  indexes: [
    { key: { position: 1 } },
    { key: { actor: 1, position: 1 } },
    { key: { resource_type: 1, position: 1 } },
    { key: { resource: 1, position: 1 } },
  ],
  insertOnly: true,
  types: [...Object.keys(rulebookFacts), ...Object.keys(DONE)],
  keys: (fact) => (fact.metadata.actor && doneBy(fact) ? [fact.id] : []),
  evolve: (before, fact, key) => {
    const done = doneBy(fact)
    const { actor } = fact.metadata
    if (before || !done || !actor) return before
    return {
      _id: key,
      at: new Date(decidedAt(fact)),
      actor: actor.name,
      role: actor.role,
      action: done.action,
      resource_type: done.type,
      resource: done.id,
      request_id: fact.metadata.$correlationId,
      position: sortable(fact.position),
    }
  },
}

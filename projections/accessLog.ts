// Who did it: every change of a definition, adjustment of a balance, deletion and erasure, and change of a key, user or role, with its actor.
import { sortable } from '../src/domain/position.ts'
import { decidedAt, type RecordedFact } from '../src/domain/recorded.ts'
import { changeOf, rulebookFacts } from '../src/domain/rulebook/facts.ts'
import { type FactType, projection, type Reaction, type RecordedOf } from './projection.ts'

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

/** `projectWebhook` as `project_webhook`, as names in answers are. */
const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

const entry = (
  key: string,
  fact: RecordedFact,
  done: Pick<AccessLogDocument, 'action' | 'resource_type' | 'resource'>,
): AccessLogDocument | null =>
  fact.metadata.actor
    ? {
        _id: key,
        at: new Date(decidedAt(fact)),
        actor: fact.metadata.actor.name,
        role: fact.metadata.actor.role,
        ...done,
        request_id: fact.metadata.$correlationId,
        position: sortable(fact.position),
      }
    : null

/** What nobody did is in no log. */
const keyIfDone = (fact: RecordedFact): string | undefined => (fact.metadata.actor ? fact.id : undefined)

type Logged<T extends FactType> = Reaction<AccessLogDocument, T, string>

const logged = <T extends FactType>(
  type: string,
  action: string | ((data: RecordedOf<T>['data']) => string),
  idOf: (data: RecordedOf<T>['data'], stream: string) => string,
): Logged<T> => [
  keyIfDone,
  (before, fact, { key, owner: stream }) =>
    before ??
    entry(key, fact, {
      action: typeof action === 'string' ? action : action(fact.data),
      resource_type: type,
      resource: idOf(fact.data, stream),
    }),
]

type KeyFact = 'AccessKeyRotated' | 'AccessKeyRevoked'
const key = (action: string) => logged<KeyFact>('access_key', action, ({ id }) => id)

type UserFact = Exclude<Extract<FactType, `AccessUser${string}`>, 'AccessUserInvited'>
const user = (action: string) => logged<UserFact>('access_user', action, ({ id }) => id)

type CardFact = 'PointsAdded' | 'PointsRemoved' | 'PendingPointsUpdated' | 'PendingPointsCanceled'
const card = (action: string) => logged<CardFact>('loyalty_card', action, (data) => data.card.id)

const customer = (action: string) =>
  logged<'CustomerDeleted' | 'CustomerErased'>('customer', action, (_, stream) => stream.replace(/^customer-/, ''))

export const accessLog = projection<AccessLogDocument>({
  name: 'accessLog',
  version: 2,
  indexes: [
    { key: { position: 1 } },
    { key: { actor: 1, position: 1 } },
    { key: { resource_type: 1, position: 1 } },
    { key: { resource: 1, position: 1 } },
  ],
  insertOnly: true,
  streams: (stream) => stream,
  on: {
    AccessKeyCreated: logged('access_key', 'created', (data) => data.key.id),
    AccessKeyRotated: key('rotated'),
    AccessKeyRevoked: key('revoked'),
    AccessRoleSaved: logged('role', 'saved', ({ role }) => role.name),
    AccessRoleDeleted: logged('role', 'deleted', ({ name }) => name),
    AccessUserInvited: logged('access_user', 'invited', (data) => data.user.id),
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
    GiftCreditsChanged: logged(
      'voucher',
      ({ amount }) => (amount < 0 ? 'credits_removed' : 'credits_added'),
      ({ voucher }) => voucher,
    ),
    CustomerDeleted: customer('deleted'),
    CustomerErased: customer('erased'),
  },
  others: {
    types: Object.keys(rulebookFacts),
    reaction: [
      (fact) => (changeOf(fact) ? keyIfDone(fact) : undefined),
      (before, fact, { key }) => {
        const change = changeOf(fact)
        if (!change) return before
        const { verb, kind, id } = change
        return before ?? entry(key, fact, { action: verb.toLowerCase(), resource_type: snake(kind), resource: id })
      },
    ],
  },
})

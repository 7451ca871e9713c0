// What may be done by name, and the roles that are delivered, as sets of these names.
import { type Refused, refuse } from '../refusal.ts'

/** Every permission, and what it is for. Each route that needs a key names one. */
export const PERMISSIONS = {
  'events.read': 'See events and events that were refused',
  'events.write': 'Track events, and send refused ones again',
  'event_schemas.read': 'See event schemas',
  'event_schemas.write': 'Add and modify event schemas',
  'event_schemas.delete': 'Delete event schemas',
  'customers.read': 'See customers, their activity and their segments',
  'customers.write': 'Make and change customers',
  'customers.delete': 'Delete customers',
  'customers.erase': 'Erase a person for good, and see all that is held of one',
  'definitions.read': 'See segments, rules, campaigns, distributions, loyalty programs and rewards',
  'definitions.write':
    'Make, change and delete segments, rules, campaigns, distributions, loyalty programs and rewards',
  'codes.read': 'See codes, their transactions and publications',
  'codes.write': 'Make, import, change and delete codes',
  'publications.write': 'Publish codes to customers',
  'jobs.read': 'See jobs that run in the background',
  'jobs.write': 'Cancel jobs, and try again what failed',
  'validations.run': 'Ask what codes would give',
  'qualifications.run': 'Ask what a customer qualifies for',
  'redemptions.read': 'See redemptions',
  'redemptions.write': 'Redeem, and keep places for a session',
  'redemptions.rollback': 'Roll redemptions back',
  'orders.read': 'See orders',
  'orders.write': 'Make, change and import orders',
  'referrals.read': 'See who referred whom',
  'referrals.write': 'Add and remove holders of referral codes',
  'members.read': 'See loyalty members, their points and transactions',
  'members.write': 'Add loyalty members, enable and disable their cards',
  'points.adjust': 'Adjust balances of points and gift cards, also pending ones',
  'points.transfer': 'Transfer points between cards',
  'exports.manage': 'Export what the role may see as files, and delete them',
  'messages.read': 'See messages and how they are sent',
  'messages.write': 'Send messages again, and send a test',
  'webhooks.read': 'See project webhooks',
  'webhooks.write': 'Make, change, delete and replay project webhooks',
  'webhooks.secret': 'See what webhooks are signed with',
  'audit.read': 'Explain, verify and seal what was recorded, and see who did what',
  'audit.export': 'Export the whole log',
  'audit.project_key': "See the project's own key, which makes customers' ids",
  'operation.read': 'See how read models, processes and the clock are',
  'projections.manage': 'Rebuild, promote and roll back read models',
  'processes.manage': 'Have processes try again what they set aside',
  'clock.manage': 'Confirm or take back what an untrue clock decided',
  'access.manage': 'Make, change and revoke keys, users and roles',
  'tokens.make': 'Get short-lived tokens for one’s own key, look at them and revoke them',
  'management.use': 'Use the paths below /management/v1',
} as const satisfies Readonly<Record<string, string>>

export type Permission = keyof typeof PERMISSIONS

export const PERMISSION_NAMES = Object.keys(PERMISSIONS) as readonly Permission[]

export const isPermission = (name: string): name is Permission => Object.hasOwn(PERMISSIONS, name)

/** The roles that are delivered, in the order in which they are shown. */
export const ROLES = ['admin', 'marketer', 'integrator', 'reader', 'auditor', 'client'] as const
export type DeliveredRole = (typeof ROLES)[number]

/** What everybody who may look at the project sees. */
const SIGHT: readonly Permission[] = [
  'events.read',
  'event_schemas.read',
  'customers.read',
  'definitions.read',
  'codes.read',
  'jobs.read',
  'qualifications.run',
  'redemptions.read',
  'orders.read',
  'referrals.read',
  'members.read',
  'messages.read',
  'webhooks.read',
  'tokens.make',
]

/** The one table of who may do what. */
export const ROLE_PERMISSIONS: Readonly<Record<DeliveredRole, ReadonlySet<Permission>>> = {
  admin: new Set(PERMISSION_NAMES),
  marketer: new Set([
    ...SIGHT,
    'definitions.write',
    'codes.write',
    'publications.write',
    'jobs.write',
    'validations.run',
    'messages.write',
  ]),
  integrator: new Set([
    ...SIGHT,
    'events.write',
    'customers.write',
    'customers.delete',
    'customers.erase',
    'definitions.write',
    'codes.write',
    'publications.write',
    'jobs.write',
    'validations.run',
    'redemptions.write',
    'redemptions.rollback',
    'orders.write',
    'exports.manage',
    'referrals.write',
    'members.write',
    'points.adjust',
    'points.transfer',
    'messages.write',
  ]),
  reader: new Set([...SIGHT, 'validations.run']),
  auditor: new Set([...SIGHT, 'audit.read', 'audit.export', 'operation.read']),
  // Only on client paths, and there only what the key's own `allow` names beside tracking.
  client: new Set([
    'events.write',
    'customers.read',
    'customers.write',
    'publications.write',
    'validations.run',
    'qualifications.run',
    'redemptions.write',
  ]),
}

const isDelivered = (role: string): role is DeliveredRole => Object.hasOwn(ROLE_PERMISSIONS, role)

/** Of a role that is neither delivered nor made: which there are. */
export const noRole = (role: string): Refused =>
  refuse(
    'invalid_payload',
    `role: there is no role ${role} (${ROLES.join(', ')} are delivered; GET /v1/access/roles lists those that were made)`,
  )

/** Who may be asked about: a role by name, and what it holds where it is a role of one's own. */
export interface Holder {
  readonly role: string
  readonly permissions?: ReadonlySet<Permission>
}

/** Whether somebody may do something by the role. A role that is neither delivered nor known holds nothing. */
export const holds = ({ role, permissions }: Holder, permission: Permission): boolean =>
  permissions !== undefined ? permissions.has(permission) : isDelivered(role) && ROLE_PERMISSIONS[role].has(permission)

const CHANGES_NOTHING = /\.(?:read|run|export|secret|project_key)$|^management\.use$|^tokens\.make$/

/** Whether somebody may have anything recorded at all. */
export const recordsAnything = (holder: Holder): boolean =>
  PERMISSION_NAMES.some((name) => !CHANGES_NOTHING.test(name) && holds(holder, name))

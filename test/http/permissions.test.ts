// Who may do what: every permission × role as it is meant to be, and every route × role as it answers.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { commandRoutes } from '../../commands/index.ts'
import { queryRoutes } from '../../queries/index.ts'
import {
  type DeliveredRole,
  holds,
  PERMISSION_NAMES,
  type Permission,
  ROLES,
  recordsAnything,
} from '../../src/domain/access/permissions.ts'
import { rolesFor } from '../../src/http/endpoints.ts'
import { audienceOf } from '../../src/http/route.ts'
import { ABILITIES, keyRing } from '../../src/keys.ts'
import type { Services } from '../../src/services.ts'
import { clientKey, keys, managementKey, serverKey, toyApp } from './toy.ts'

/** Written down apart from the program's own table: a change of who may do what is a change of both. */
const MEANT = {
  'events.read': 'admin marketer integrator reader auditor',
  'events.write': 'admin integrator client',
  'event_schemas.read': 'admin marketer integrator reader auditor',
  'event_schemas.write': 'admin',
  'event_schemas.delete': 'admin',
  'customers.read': 'admin marketer integrator reader auditor client',
  'customers.write': 'admin integrator client',
  'customers.delete': 'admin integrator',
  'customers.erase': 'admin integrator',
  'definitions.read': 'admin marketer integrator reader auditor',
  'definitions.write': 'admin marketer integrator',
  'codes.read': 'admin marketer integrator reader auditor',
  'codes.write': 'admin marketer integrator',
  'publications.write': 'admin marketer integrator client',
  'jobs.read': 'admin marketer integrator reader auditor',
  'jobs.write': 'admin marketer integrator',
  'validations.run': 'admin marketer integrator reader client',
  'qualifications.run': 'admin marketer integrator reader auditor client',
  'redemptions.read': 'admin marketer integrator reader auditor',
  'redemptions.write': 'admin integrator client',
  'redemptions.rollback': 'admin integrator',
  'orders.read': 'admin marketer integrator reader auditor',
  'orders.write': 'admin integrator',
  'exports.manage': 'admin integrator',
  'referrals.read': 'admin marketer integrator reader auditor',
  'referrals.write': 'admin integrator',
  'members.read': 'admin marketer integrator reader auditor',
  'members.write': 'admin integrator',
  'points.adjust': 'admin integrator',
  'points.transfer': 'admin integrator',
  'messages.read': 'admin marketer integrator reader auditor',
  'messages.write': 'admin marketer integrator',
  'webhooks.read': 'admin marketer integrator reader auditor',
  'webhooks.write': 'admin',
  'webhooks.secret': 'admin',
  'audit.read': 'admin auditor',
  'audit.export': 'admin auditor',
  'audit.project_key': 'admin',
  'operation.read': 'admin auditor',
  'projections.manage': 'admin',
  'processes.manage': 'admin',
  'clock.manage': 'admin',
  'access.manage': 'admin',
  'tokens.make': 'admin marketer integrator reader auditor',
  'management.use': 'admin',
} as const satisfies Readonly<Record<Permission, string>>

const meant = (role: DeliveredRole, permission: Permission): boolean => MEANT[permission].split(' ').includes(role)

/** Routes look at their services when they are called, not when they are declared. */
const services = new Proxy({} as Services, {
  get: (_, name) => (['rulebook', 'readModel', 'projector', 'store'].includes(String(name)) ? {} : () => undefined),
})
/** A link that is signed needs no key, and so no permission. */
const routes = [...commandRoutes(services), ...queryRoutes(services)].filter(
  ({ permission }) => permission !== undefined,
)

const headersOf = (role: DeliveredRole, path: string): Record<string, string> => {
  const audience = audienceOf(path)
  const { appId, token } = keys.find((key) => key.appId === `app-${role}`)!
  if (audience === 'client')
    return { ...clientKey(), 'X-Client-Application-Id': appId, 'X-Client-Token': token, Origin: 'https://shop.test' }
  return audience === 'management' ? managementKey(role) : serverKey(role)
}

test('permission × role', () => {
  for (const permission of PERMISSION_NAMES)
    for (const role of ROLES) assert.is(holds({ role }, permission), meant(role, permission), `${role} ${permission}`)
})

test('route × role: what each route answers to each role, and what the table says', async () => {
  const { app } = toyApp(
    { keys: keyRing(keys.map((key) => (key.role === 'client' ? { ...key, allow: [...ABILITIES] } : key))) },
    routes,
  )
  let cells = 0
  for (const route of routes)
    for (const path of [route.path, ...(route.also ?? [])]) {
      const audience = audienceOf(path)
      const url = path.replace('{projectId}', 'proj_main').replaceAll(/\{[^}]+\}/g, 'x')
      for (const role of ROLES) {
        const allowed =
          (audience === 'client') === (role === 'client') &&
          (audience !== 'management' || role === 'admin') &&
          meant(role, route.permission!)
        const cell = `${route.method.toUpperCase()} ${path} as ${role}`
        const answer = await app.request(url, {
          method: route.method.toUpperCase(),
          headers: headersOf(role, path),
        })
        const text = await answer.text()
        assert.not.equal(answer.status, 401, cell)
        // A handler may refuse for reasons of its own.
        assert.is(!(answer.status === 403 && /The role \w+ may not do this/.test(text)), allowed, `${cell}: ${text}`)
        assert.is(rolesFor(route, path).includes(role), allowed, `${cell} in the table`)
        cells += 1
      }
    }
  assert.ok(cells > 1_000, String(cells))
})

test('the document and its page show the table', async () => {
  const { app } = toyApp({}, routes)
  const document = JSON.parse(await (await app.request('/openapi.json')).text())
  assert.equal(document['x-access'].roles.client.includes('events.write'), true)
  const { delete: erase } =
    document.paths['/management/v1/projects/{projectId}/custom-event-schemas/{customEventSchemaId}']
  assert.equal([erase['x-permission'], erase['x-roles']], [['event_schemas.delete', 'management.use'], ['admin']])
  const page = await (await app.request('/docs/permissions')).text()
  for (const { path, permission } of routes) {
    assert.ok(page.includes(`<code>${path}</code>`), path)
    assert.ok(page.includes(permission!), permission)
  }
})

test('roles that record nothing, and a role that nobody knows', () => {
  assert.equal(
    ROLES.filter((role) => !recordsAnything({ role })),
    ['reader', 'auditor'],
  )
  assert.is(
    PERMISSION_NAMES.some((permission) => holds({ role: 'toString' }, permission)),
    false,
  )
  const own = { role: 'support', permissions: new Set<Permission>(['points.adjust']) }
  assert.equal([holds(own, 'points.adjust'), holds(own, 'codes.read'), recordsAnything(own)], [true, false, true])
})

test.run()

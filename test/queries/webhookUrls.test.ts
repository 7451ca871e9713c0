// Who sees where webhooks go to: those who could change it; others see the host.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { definitionFor } from '../../src/api/presenters/webhooks.ts'
import { ROLES } from '../../src/domain/access/permissions.ts'

const SECRET = 'https://hooks.test/services/T0/B1/secret?token=secret'

test('only admin and integrator see an address whole, in definitions of every kind that has one', () => {
  const definitions = {
    projectWebhook: { name: 'w', url: SECRET },
    distribution: { name: 'd', channel: { type: 'webhook', url: SECRET } },
  }
  for (const role of ROLES)
    for (const [kind, definition] of Object.entries(definitions)) {
      const shown = JSON.stringify(definitionFor({ role }, kind, definition))
      const whole = role === 'admin' || role === 'integrator' || role === 'marketer'
      assert.is(shown.includes('secret'), whole, `${role} ${kind}`)
      assert.ok(shown.includes('https://hooks.test/'))
    }
})

test('what is no webhook is shown as it is', () => {
  const email = { name: 'e', channel: { type: 'email' }, url: SECRET }
  assert.is(definitionFor({ role: 'reader' }, 'distribution', email), email)
  assert.is(definitionFor({ role: 'reader' }, 'segment', email), email)
})

test.run()

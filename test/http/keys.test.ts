// API keys: generated at the first start, read later, recognised by pair; files that cannot be used say why.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import * as v from 'valibot'
import { ROLES } from '../../src/domain/access/permissions.ts'
import { KeyFileError, keyRing, loadKeys, tokenHash } from '../../src/keys.ts'

const test = suite<{ dir: string }>('keys')
test.before.each((context) => {
  context.dir = mkdtempSync(join(tmpdir(), 'tributary-keys-'))
})
test.after.each(({ dir }) => rmSync(dir, { recursive: true, force: true }))

const entry = v.strictObject({
  name: v.string(),
  role: v.picklist(ROLES),
  appId: v.string(),
  token: v.string(),
  origins: v.optional(v.array(v.string())),
  customerSecret: v.optional(v.string()),
})

test('the first start writes one key a role, readable by the owner only; later starts read them', ({ dir }) => {
  const dataDir = join(dir, 'deep', 'data')
  const first = loadKeys({ dataDir })
  assert.is(first.generated, true)
  assert.is(first.path, join(dataDir, 'keys.json'))
  assert.is(statSync(first.path).mode & 0o777, 0o600)
  const written = v.parse(v.array(entry), JSON.parse(readFileSync(first.path, 'utf8')))
  assert.equal(
    written.map((one) => one.role),
    [...ROLES],
  )
  assert.equal(
    written.filter((one) => one.origins !== undefined).map((one) => one.role),
    ['client'],
  )
  assert.is(new Set(written.map((one) => one.token)).size, ROLES.length)
  const second = loadKeys({ dataDir })
  assert.is(second.generated, false)
  for (const { appId, token, role } of written) assert.is(second.ring.recognise(appId, token)?.role, role)
})

test('only the exact pair is recognised', () => {
  const ring = keyRing([
    { name: 'a', role: 'admin', appId: 'id-a', token: 'token-a-0123456789' },
    { name: 'b', role: 'reader', appId: 'id-b', token: 'token-b-0123456789' },
  ])
  assert.is(ring.recognise('id-a', 'token-a-0123456789')?.name, 'a')
  for (const [id, token] of [
    ['id-a', 'token-b-0123456789'],
    ['id-a', 'token-a-012345678'],
    ['id-a', ''],
    ['', ''],
    ['id-c', 'token-a-0123456789'],
    ['__proto__', 'token-a-0123456789'],
  ] as const)
    assert.is(ring.recognise(id, token), undefined, `${id} ${token}`)
  assert.not.ok(JSON.stringify(ring.keys).includes('token-a'))
})

test('a file of hashed tokens', ({ dir }) => {
  const path = join(dir, 'hashed.json')
  const token = 'a production token'
  writeFileSync(
    path,
    JSON.stringify([
      {
        name: 'shop',
        role: 'client',
        appId: 'c1',
        tokenHash: tokenHash(token),
        origins: ['https://shop.example:8443'],
      },
    ]),
  )
  const { ring, generated } = loadKeys({ dataDir: dir, keysFile: path })
  assert.is(generated, false)
  assert.equal(ring.recognise('c1', token), {
    name: 'shop',
    role: 'client',
    appId: 'c1',
    origins: ['https://shop.example:8443'],
  })
  assert.is(ring.recognise('c1', tokenHash(token)), undefined)
})

test('a file that cannot be used says which file, which entry and why', ({ dir }) => {
  const good = { name: 'a', role: 'admin', appId: 'id', token: 'x'.repeat(20) }
  const cases: readonly (readonly [string, RegExp])[] = [
    ['not json', /is not JSON/],
    ['[{"role":"reader","role":"admin"}]', /Property \[0\]\.role is given twice/],
    ['{}', /must hold an array/],
    ['[]', /holds no key/],
    [JSON.stringify([good, { ...good, appId: 'other', role: 'root' }]), /entry 1: role/],
    [JSON.stringify([{ ...good, token: 'short' }]), /entry 0: token/],
    [JSON.stringify([{ ...good, appId: undefined }]), /entry 0: appId/],
    [JSON.stringify([{ ...good, surprise: 1 }]), /entry 0: surprise/],
    [JSON.stringify([good, good]), /entry 1: appId id is that of entry 0/],
    [JSON.stringify([{ ...good, role: 'client' }]), /entry 0: a client key needs "origins"/],
    [JSON.stringify([{ ...good, role: 'client', origins: ['shop.example/path'] }]), /entry 0: origins\[0\]/],
    [JSON.stringify([{ ...good, origins: ['*'] }]), /entry 0: only a client key has "origins"/],
    [JSON.stringify([{ ...good, allow: ['redeem'] }]), /entry 0: only a client key has "allow"/],
    [JSON.stringify([{ ...good, customerSecret: 'x'.repeat(32) }]), /entry 0: only a client key has "customerSecret"/],
    [
      JSON.stringify([{ ...good, role: 'client', origins: ['*'], allow: ['all'] }]),
      /entry 0: allow\[0\]: must be one of/,
    ],
    [JSON.stringify([{ ...good, role: 'client', origins: ['*'], customerSecret: 'short' }]), /entry 0: customerSecret/],
    [JSON.stringify([{ ...good, token: undefined, tokenHash: 'md5:1' }]), /entry 0: tokenHash/],
    [JSON.stringify([7]), /entry 0/],
  ]
  for (const [text, reason] of cases) {
    const path = join(dir, 'bad.json')
    writeFileSync(path, text)
    try {
      loadKeys({ dataDir: dir, keysFile: path })
      assert.unreachable(text)
    } catch (error) {
      assert.instance(error, KeyFileError)
      const { message } = error as KeyFileError
      assert.ok(message.includes(path))
      assert.match(message, reason)
      assert.not.ok(message.includes(good.token), 'a token is not repeated')
    }
  }
  assert.throws(() => loadKeys({ dataDir: dir, keysFile: join(dir, 'absent.json') }), /absent\.json: cannot be read/)
})

test.run()

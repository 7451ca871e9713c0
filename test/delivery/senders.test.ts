// The ends of the channels against real receivers: what is sent, and what each kind of trouble is taken for.

import { createHmac } from 'node:crypto'
import type { lookup as systemLookup } from 'node:dns'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { Worker } from 'node:worker_threads'
import { SMTPServer } from 'smtp-server'
import { Webhook } from 'standardwebhooks'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { checkLiteral, isPrivateOrPublic, isPublicAddress } from '../../src/delivery/address.ts'
import { createPoster } from '../../src/delivery/post.ts'
import { createSenders, type SenderOptions } from '../../src/delivery/senders.ts'
import { derivedSecret, isSigningSecret } from '../../src/delivery/sign.ts'
import { isSinkHost } from '../../src/domain/channels/sink.ts'
import { answer, closeAll, closing, startReceiver } from './receiver.ts'

test.after.each(closeAll)

const secret = derivedSecret('the key of the project')

const SHARED: SenderOptions = {
  timeoutMs: 10_000,
  allowPrivate: true,
  secret: () => secret,
  now: Date.now,
  emailFrom: 'a@b.test',
  maxConnections: 1,
}
const senders = (more: Partial<SenderOptions> = {}) => closing(createSenders({ ...SHARED, ...more }))

const hook = (url: string, body = '{"a":1}') => ({ channel: 'webhook' as const, url, body })

test('a webhook carries its id and both signatures, and the public package agrees', async () => {
  const receiver = await startReceiver()
  const ends = senders()
  assert.equal(await ends.send('msg_1', hook(`${receiver.url}/in?x=1`, '{"name":"Zoë"}')), {
    kind: 'sent',
    status: 200,
  })
  const [got] = receiver.received
  assert.is(got!.path, '/in?x=1')
  assert.is(got!.id, 'msg_1')
  assert.is(got!.headers['content-type'], 'application/json')
  assert.is(got!.headers['x-voucherify-signature'], createHmac('sha256', secret).update('{"name":"Zoë"}').digest('hex'))
  assert.ok(isSigningSecret(secret))
  const headers = got!.headers as Record<string, string>
  assert.equal(new Webhook(secret).verify(got!.body, headers), { name: 'Zoë' })
  assert.throws(() => new Webhook(secret).verify('{"name":"Zoe"}', headers))
  assert.throws(() => new Webhook(derivedSecret('another key')).verify(got!.body, headers))
})

test('answers: which are about the message and which about the receiver', async () => {
  const receiver = await startReceiver()
  const ends = senders()
  const outcome = async (behaviour: typeof receiver.behaviour, by = ends) => {
    receiver.behaviour = behaviour
    const sent = await by.send('msg_1', hook(receiver.url))
    return sent.kind === 'sent' ? 'sent' : `${sent.isFinal ? 'final' : sent.isDown ? 'down' : 'again'}: ${sent.error}`
  }
  assert.is(await outcome(answer(204)), 'sent')
  assert.is(await outcome(answer(400)), 'again: answered 400')
  assert.is(await outcome(answer(410)), 'final: answered 410')
  assert.is(await outcome(answer(500)), 'down: answered 500')
  assert.is(await outcome(answer(429, { 'retry-after': '7' })), 'down: answered 429')
  const before = receiver.received.length
  assert.is(
    await outcome(answer(302, { location: `${receiver.url}/elsewhere` })),
    'again: redirected with 302, not followed',
  )
  assert.is(receiver.received.length, before + 1)
  // Hangs; sends a head and no end; closes early.
  const brief = senders({ timeoutMs: 300 })
  assert.match(await outcome(() => undefined, brief), /^down: no complete answer within 0\.3 s/)
  assert.match(
    await outcome((_, response) => void response.writeHead(200, { 'content-length': '10' }).write('half'), brief),
    /^down: no complete answer/,
  )
  assert.match(await outcome((_, __, incoming) => void incoming.socket.destroy()), /^down: /)
  assert.is(
    await outcome((_, response) => {
      response.writeHead(200)
      // Since Node 24 a write after the end of the connection calls back with an error before the response counts as destroyed.
      const more = (error?: Error | null) => {
        if (!error && !response.destroyed) response.write('x'.repeat(65_536), more)
      }
      more()
    }),
    'sent',
  )
  const endsAt = receiver.url
  await receiver.close()
  const gone = await ends.send('msg_1', hook(endsAt))
  assert.ok(gone.kind === 'failed' && gone.isDown && /ECONNREFUSED/.test(gone.error))
})

test('an answer that came while this process was busy is no silence of the receiver', async () => {
  // A thread of its own: it answers while nothing here can run.
  const flag = new Int32Array(new SharedArrayBuffer(4))
  const thread = new Worker(
    `const { workerData: flag, parentPort } = require('node:worker_threads')
     const server = require('node:http').createServer((_, response) => {
       Atomics.store(flag, 0, 1)
       Atomics.wait(flag, 0, 1)
       response.end('{}')
     })
     server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))`,
    { eval: true, workerData: flag },
  )
  closing({ close: () => thread.terminate() })
  const [port] = await once(thread, 'message')
  const timeoutMs = 1_000
  const sent = senders({ timeoutMs }).send('msg_1', hook(`http://127.0.0.1:${port}`))
  while (Atomics.load(flag, 0) === 0) await new Promise((resolve) => setImmediate(resolve))
  Atomics.store(flag, 0, 2)
  Atomics.notify(flag, 0)
  Atomics.wait(flag, 0, 2, 2 * timeoutMs)
  assert.equal(await sent, { kind: 'sent', status: 200 })
})

test('the local sink takes what is addressed to it, and nothing leaves this process', async () => {
  const ends = senders({ allowPrivate: false })
  const mail = (from?: string) => ({ channel: 'email' as const, to: 'ann@shop.test', subject: 'Hi', text: 'Hi', from })
  assert.equal(await ends.send('msg_1', hook('https://till.sink.test/regulars')), { kind: 'sent', status: 200 })
  assert.equal(await ends.send('msg_1', hook('http://SINK.test:8080/')), { kind: 'sent', status: 200 })
  const down = await ends.send('msg_1', hook('https://till.sink.test/status/503'))
  assert.ok(down.kind === 'failed' && down.isDown && down.status === 503)
  assert.is(ends.targetOf({ type: 'email', subject: 'Hi', from: 'Shop <shop@sink.test>' }), 'sink.test')
  assert.equal(await ends.send('msg_1', mail('Shop <shop@sink.test>')), { kind: 'sent' })
  // Names that only look alike are hosts like any other, and mail of other senders waits for a mail server.
  assert.equal(['notsink.test', 'sink.test.example', 'test', 'sink-test'].filter(isSinkHost), [])
  for (const from of [undefined, 'shop@sink.test.example', 'sink.test@shop.example', 'shop@notsink.test']) {
    assert.is(ends.targetOf({ type: 'email', subject: 'Hi', from }), undefined)
    assert.is((await ends.send('msg_1', mail(from))).kind, 'failed')
  }
})

test('the wait that a receiver asks for is taken down', async () => {
  const receiver = await startReceiver(answer(503, { 'retry-after': '120' }))
  const ends = senders()
  const sent = await ends.send('msg_1', hook(receiver.url))
  assert.is(sent.kind === 'failed' && sent.retryAfterMs, 120_000)
})

test('private addresses are told from public ones', () => {
  for (const address of [
    '127.0.0.1',
    '10.1.2.3',
    '172.16.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '0.0.0.0',
    '100.64.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::1',
    '::',
    'fe80::1',
    'fc00::1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '64:ff9b::7f00:1',
    'not an address',
    '192.0.2.1',
  ])
    assert.not.ok(isPublicAddress(address), address)
  for (const address of ['8.8.8.8', '1.1.1.1', '2606:4700:4700::1111']) assert.ok(isPublicAddress(address), address)
})

test('where private addresses are allowed, link-local ones and cloud metadata are still refused', () => {
  for (const address of ['127.0.0.1', '10.1.2.3', '192.168.1.1', '8.8.8.8', '::1', 'fc00::1', '::ffff:10.0.0.1'])
    assert.ok(isPrivateOrPublic(address), address)
  for (const address of [
    '169.254.169.254',
    'fe80::1',
    '::ffff:169.254.169.254',
    '100.100.100.200',
    '192.0.0.192',
    '168.63.129.16',
    'fd00:ec2::254',
    'fd20:ce::254',
    'no address',
  ])
    assert.not.ok(isPrivateOrPublic(address), address)
})

test('an IPv4 address inside IPv6 is refused in every form that a gateway would unwrap, also as a URL writes it', () => {
  for (const form of [
    '::127.0.0.1',
    '::8.8.8.8',
    '::ffff:0:127.0.0.1',
    '64:ff9b::8.8.8.8',
    '64:ff9b:1::a9fe:a9fe',
    '2002:7f00:1::',
    '2002:808:808::1',
    '2001:0:4136:e378:8000:63bf:3fff:fdd2',
  ]) {
    const written = new URL(`http://[${form}]/`)
    assert.not.ok(isPrivateOrPublic(form), form)
    assert.throws(() => checkLiteral(written, isPublicAddress), /not an address/, written.hostname)
    assert.throws(() => checkLiteral(written, isPrivateOrPublic), /not an address/, written.hostname)
  }
})

test('names of cloud metadata are refused whatever they resolve to', () => {
  for (const host of ['metadata.google.internal', 'METADATA.google.internal.', 'metadata', 'instance-data'])
    assert.throws(
      () => checkLiteral(new URL(`http://${host}/computeMetadata/v1/`), isPrivateOrPublic),
      /not an address/,
      host,
    )
})

test('a webhook to a private address is refused, named or resolved, and nothing is connected', async () => {
  const receiver = await startReceiver()
  let answers: string[] = ['127.0.0.1']
  const lookup = ((_: string, __: object, done: (e: null, a: object[]) => void) =>
    done(
      null,
      answers.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )) as unknown as typeof systemLookup
  const poster = closing(createPoster({ timeoutMs: 10_000, allowPrivate: false, lookup }))
  const kindOf = async (url: string) => (await poster.post(new URL(url), '{}', {})).kind
  assert.is(await kindOf(receiver.url), 'address_refused')
  assert.is(await kindOf(`http://[::1]:${receiver.port}`), 'address_refused')
  // Spellings of 127.0.0.1 that URL parsers turn into it.
  assert.is(await kindOf(`http://2130706433:${receiver.port}`), 'address_refused')
  assert.is(await kindOf(`http://0x7f.1:${receiver.port}`), 'address_refused')
  assert.is(await kindOf(`http://[::ffff:127.0.0.1]:${receiver.port}`), 'address_refused')
  assert.is(await kindOf(`http://shop.test:${receiver.port}`), 'address_refused')
  answers = ['8.8.8.8', '10.0.0.1']
  assert.is(await kindOf(`http://shop.test:${receiver.port}`), 'address_refused')
  assert.is(receiver.received.length, 0)
  const allowed = closing(createPoster({ timeoutMs: 10_000, allowPrivate: true }))
  assert.is((await allowed.post(new URL(receiver.url), '{}', {})).kind, 'answered')
})

interface Mail {
  readonly from: string
  readonly to: readonly string[]
  readonly data: string
}

const startSmtp = async (mails: Mail[]) => {
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    logger: false,
    // Connections that are kept open do not hold up the end, ms.
    closeTimeout: 50,
    onRcptTo({ address }, _, done) {
      if (address.startsWith('nobody'))
        return done(Object.assign(new Error(`no such user ${address}`), { responseCode: 550 }))
      if (address.startsWith('full')) return done(Object.assign(new Error('mailbox full'), { responseCode: 452 }))
      done()
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope
        mails.push({
          from: mailFrom ? mailFrom.address : '',
          to: rcptTo.map((r) => r.address),
          data: Buffer.concat(chunks).toString(),
        })
        done()
      })
    },
  })
  server.on('error', () => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.server.address() as AddressInfo
  return closing({
    url: `smtp://127.0.0.1:${port}`,
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  })
}

const mail = (to: string) => ({
  channel: 'email' as const,
  to,
  subject: 'Hello Zoë',
  text: 'plain',
  html: '<b>rich</b>',
})

test('an e-mail goes out by SMTP with the id of its message', async () => {
  const mails: Mail[] = []
  const smtp = await startSmtp(mails)
  const ends = senders({ smtpUrl: smtp.url, emailFrom: 'Shop <shop@shop.test>', maxConnections: 2 })
  assert.equal(await ends.send('msg_7', mail('zoe@shop.test')), { kind: 'sent' })
  assert.equal(mails[0]?.to, ['zoe@shop.test'])
  assert.is(mails[0]?.from, 'shop@shop.test')
  assert.match(mails[0]!.data, /Message-ID: <msg_7@shop\.test>/)
  assert.match(mails[0]!.data, /X-Tributary-Message-ID: msg_7/i)
  assert.match(mails[0]!.data, /<b>rich<\/b>/)

  const unknown = await ends.send('msg_8', mail('nobody@shop.test'))
  assert.ok(unknown.kind === 'failed' && unknown.isFinal && !unknown.isDown && unknown.status === 550)
  assert.not.match(unknown.kind === 'failed' ? unknown.error : '', /nobody@/)
  const full = await ends.send('msg_9', mail('full@shop.test'))
  assert.ok(full.kind === 'failed' && !full.isFinal && !full.isDown && full.status === 452)
  // One address, whatever it holds: no second recipient gets in.
  await ends.send('msg_10', mail('a@shop.test, b@shop.test'))
  assert.not.ok(mails.some((m) => m.to.length > 1))
  await smtp.close()
  const down = await ends.send('msg_11', mail('zoe@shop.test'))
  assert.ok(down.kind === 'failed' && down.isDown && !down.isFinal)
})

test('a mail server that never speaks costs no more than the time limit', async () => {
  const silent = closing(createServer((socket) => void socket.on('error', () => undefined)))
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  const { port } = silent.address() as AddressInfo
  const ends = senders({
    smtpUrl: `smtp://127.0.0.1:${port}`,
    timeoutMs: 200,
  })
  const sent = await ends.send('msg_1', mail('zoe@shop.test'))
  assert.ok(sent.kind === 'failed' && sent.isDown)
})

test('a text message goes to the gateway as JSON', async () => {
  const receiver = await startReceiver()
  const ends = senders({ smsUrl: `${receiver.url}/sms`, smsAuthorization: 'Bearer t', allowPrivate: false })
  assert.equal(await ends.send('msg_1', { channel: 'sms', to: '+48100200300', text: 'Hello' }), {
    kind: 'sent',
    status: 200,
  })
  assert.equal(JSON.parse(receiver.received[0]!.body), { id: 'msg_1', to: '+48100200300', text: 'Hello' })
  assert.is(receiver.received[0]!.headers.authorization, 'Bearer t')
  assert.is(receiver.received[0]!.id, 'msg_1')
  assert.is(senders().targetOf({ type: 'sms', text: 'Hi' }), undefined)
})

test.run()

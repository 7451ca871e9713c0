// Settings: defaults, parsing, and errors that name every variable at fault.
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { ConfigError, loadConfig } from '../../src/config.ts'

test('an empty environment gives the defaults', () => {
  assert.equal(loadConfig({ PATH: '/bin', KEYS_FILE: '' }), {
    port: 3000,
    host: '0.0.0.0',
    workers: undefined,
    dataDir: './data',
    eventStoreUrl: undefined,
    eventStoreNamespace: undefined,
    mongodbUrl: undefined,
    mongodbDatabase: 'tributary',
    keysFile: undefined,
    masterKeyFile: undefined,
    minFree: { bytes: undefined, share: undefined },
    watchedDisks: ['./data'],
    logLevel: 'info',
    projectId: 'proj_main',
    projectTimeZone: 'UTC',
    consent: undefined,
    retentionDays: undefined,
    validationMode: 'strict',
    triggerHorizonHours: 72,
    requestTimeLimitMs: 30_000,
    drainTimeLimitMs: 10_000,
    pages: { metrics: 'on', docs: 'on' },
    rateLimitPerMinute: undefined,
    showsConsole: true,
    publicUrl: undefined,
    openId: undefined,
    sessions: { idleMs: 7_200_000, longestMs: 43_200_000 },
    clientLimits: { requests: 300, bytes: 4_000_000, newCustomers: 30, refusedEvents: 10 },
    proxies: 0,
    delivery: {
      isOn: true,
      concurrency: 32,
      allowPrivate: false,
      signingSecret: undefined,
      smtpUrl: undefined,
      emailFrom: 'tributary@localhost',
      smsUrl: undefined,
      smsAuthorization: undefined,
      messagesPerAddress: 50,
    },
  })
})

test('variables are parsed', () => {
  const config = loadConfig({
    PORT: '0',
    EVENTSTORE_URL: 'esdb://localhost:2113?tls=false',
    MONGODB_URL: 'mongodb://localhost/?replicaSet=rs0',
    PROJECT_TIME_ZONE: 'Europe/Warsaw',
    VALIDATION_MODE: 'lenient',
    RATE_LIMIT_PER_MINUTE: '2000',
  })
  assert.is(config.port, 0)
  assert.is(config.eventStoreUrl, 'esdb://localhost:2113?tls=false')
  assert.is(config.mongodbUrl, 'mongodb://localhost/?replicaSet=rs0')
  assert.is(config.projectTimeZone, 'Europe/Warsaw')
  assert.is(config.validationMode, 'lenient')
  assert.is(config.rateLimitPerMinute, 2000)
})

test('every variable at fault is named, and no value that may hold a password is repeated', () => {
  const bad = {
    PORT: '70000',
    EVENTSTORE_URL: 'http://admin:hunter2@host',
    MONGODB_URL: 'postgres://u:hunter2@host',
    LOG_LEVEL: 'loud',
    EMAIL_FROM: 'a@shop.example, b@shop.example',
    PROJECT_TIME_ZONE: 'Mars/Olympus',
    VALIDATION_MODE: 'maybe',
    TRIGGER_HORIZON_HOURS: '-1',
    RATE_LIMIT_PER_MINUTE: '0',
    METRICS: 'maybe',
    DOCS: '70000',
    MONGODB_DATABASE: 'a.b',
  }
  try {
    loadConfig(bad)
    assert.unreachable()
  } catch (error) {
    assert.instance(error, ConfigError)
    const { message } = error as ConfigError
    for (const name of Object.keys(bad)) assert.ok(message.includes(`${name}: must`), name)
    assert.not.match(message, /hunter2/)
  }
})

test.run()

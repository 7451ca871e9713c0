// What a fresh system shows: three steps to the first event, with lines for this very server, each noticed when it is done.
import { useState } from 'preact/hooks'
import { fillWithDemo } from '../../../demo/run.ts'
import { ApiError, carryOut, change, changed, send } from '../lib/api.ts'
import { Link } from '../lib/router.tsx'
import { isAdmin, session } from '../lib/session.ts'
import { number } from '../lib/text.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Choice } from '../parts/form.tsx'
import { Card } from '../parts/layout.tsx'
import { Bar, Code } from '../parts/small.tsx'
import { say, sayFault } from '../parts/toast.tsx'

const origin = window.location.origin

/** Shell lines that take a key from the file that the server made. */
const linesFor = (folder: string): string => `# A key, from the server's own file
key() { node -p "const k = require('${folder}/keys.json').find((k) => k.role === '$1'); '-H X-App-Id:' + k.appId + ' -H X-App-Token:' + k.token"; }`

const keyLines = (): string =>
  session.value?.settings.keys_file === 'generated' ? `${linesFor(String(session.value.settings.data_dir))}\n\n` : ''
const key = (role: string): string =>
  session.value?.settings.keys_file === 'generated'
    ? `$(key ${role})`
    : '-H "X-App-Id: $APP_ID" -H "X-App-Token: $APP_TOKEN"'

const SCHEMA = {
  name: 'review',
  schema: { properties: { stars: { type: 'number' }, text: { type: 'string', optional: true } } },
}
const EVENT = { event: 'review', customer: { source_id: 'ann', name: 'Ann' }, metadata: { stars: 5 } }

const curl = (role: string, path: string, body: unknown): string =>
  `${keyLines()}curl -sw '\\n' ${key(role)} -H 'Content-Type: application/json' \\\n  ${origin}${path} \\\n  -d '${JSON.stringify(body)}'`

const SDK = `import sdk from '@voucherify/sdk'

const client = sdk.VoucherifyServerSide({
  applicationId: process.env.APP_ID,
  secretKey: process.env.APP_TOKEN,
  apiUrl: '${origin}',
})
await client.events.create('review', {
  customer: { source_id: 'ann', name: 'Ann' },
  metadata: { stars: 5 },
})`

/** Waits as long as the server says when it has more to do than it can do soon. */
const sendPatiently = async (method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown> => {
  for (let tries = 0; ; tries++) {
    try {
      return await send({ method, path, ...(body === undefined ? {} : { body }) })
    } catch (error) {
      if (!(error instanceof ApiError) || (error.status !== 503 && error.status !== 429) || tries > 60) throw error
      await new Promise((resolve) => setTimeout(resolve, 1_500))
    }
  }
}

const SIZES = { small: { customers: 300, events: 6_000 }, whole: { customers: 2_000, events: 60_000 } } as const

const Demo = () => {
  const [isAsking, setAsking] = useState(false)
  const [size, setSize] = useState<keyof typeof SIZES>('small')
  const [progress, setProgress] = useState<{ done: number; total: number; what: string }>()
  const fill = async () => {
    try {
      await fillWithDemo(sendPatiently, {
        ...SIZES[size],
        now: Date.now(),
        onProgress: (done, total, what) => setProgress({ done, total, what }),
      })
      say('The shop is there')
    } catch (error) {
      sayFault(error)
    } finally {
      setProgress(undefined)
      setAsking(false)
      changed()
    }
  }
  return (
    <>
      <button type="button" onClick={() => setAsking(true)}>
        Fill with a demo shop
      </button>
      {isAsking && (
        <Dialog title="Fill with a demo shop" onClose={() => progress === undefined && setAsking(false)}>
          <div class="stack">
            <p>
              A shop’s year, made up: customers, events, segments, a loyalty program, referrals, codes and messages, all
              sent through the public API. What is recorded stays: start with an empty data folder to be rid of it.
            </p>
            {progress === undefined ? (
              <Choice
                label="How much"
                value={size}
                onValue={(value) => setSize(value === 'whole' ? 'whole' : 'small')}
                options={Object.entries(SIZES).map(([one, { customers, events }]) => [
                  one,
                  `${number(customers)} customers, ${number(events)} events`,
                ])}
              />
            ) : (
              <p role="status">
                Sending {progress.what}… <Bar done={progress.done} total={progress.total} label="Progress" />
              </p>
            )}
          </div>
          <footer>
            <button type="button" disabled={progress !== undefined} onClick={() => setAsking(false)}>
              Cancel
            </button>
            <button type="button" class="main" disabled={progress !== undefined} onClick={fill}>
              Fill
            </button>
          </footer>
        </Dialog>
      )}
    </>
  )
}

interface StepsProps {
  readonly hasSchema: boolean
  readonly hasEvent: boolean
}

export const FirstSteps = ({ hasSchema, hasEvent }: StepsProps) => {
  const [form, setForm] = useState<'curl' | 'sdk'>('curl')
  const make = (request: Parameters<typeof carryOut>[0], done: string) =>
    carryOut(request).then(() => say(done), sayFault)
  const isDone = (done: boolean) => (done ? '✓' : undefined)
  return (
    <Card title="Three steps to your first event" actions={isAdmin() && !hasSchema ? <Demo /> : undefined}>
      <ol class="steps">
        <li class="step" data-done={hasSchema}>
          <span class="mark">{isDone(hasSchema) ?? 1}</span>
          <div class="stack tight">
            <h3>Say what an event is{hasSchema && <span class="unseen"> (done)</span>}</h3>
            {!hasSchema && (
              <>
                <p class="soft">
                  An event schema names an event and its properties, so that mistakes are found when they are sent.
                </p>
                <Code text={curl('admin', '/v1/event-schemas', SCHEMA)} label="Command that defines an event" />
                <div class="row">
                  {isAdmin() && (
                    <>
                      <button
                        type="button"
                        class="main"
                        onClick={() => make(change('POST', '/v1/event-schemas', { body: SCHEMA }), 'Defined: review')}
                      >
                        Define “review” now
                      </button>
                      <Link to="/event-schemas/new" class="button">
                        Define another
                      </Link>
                    </>
                  )}
                </div>
              </>
            )}
          </div>
        </li>
        <li class="step" data-done={hasEvent}>
          <span class="mark">{isDone(hasEvent) ?? 2}</span>
          <div class="stack tight">
            <h3>Send one{hasEvent && <span class="unseen"> (done)</span>}</h3>
            {!hasEvent && (
              <>
                <p class="soft">The customer is made on the way. This page notices the event by itself.</p>
                <div class="row">
                  <button type="button" class="quiet" aria-pressed={form === 'curl'} onClick={() => setForm('curl')}>
                    curl
                  </button>
                  <button type="button" class="quiet" aria-pressed={form === 'sdk'} onClick={() => setForm('sdk')}>
                    JavaScript SDK
                  </button>
                </div>
                <Code
                  text={form === 'curl' ? curl('integrator', '/v1/events', EVENT) : SDK}
                  label="Lines that send an event"
                />
                {hasSchema && isAdmin() && (
                  <div class="row">
                    <button
                      type="button"
                      class="main"
                      onClick={() => make(change('POST', '/v1/events', { body: EVENT }), 'Sent')}
                    >
                      Send it from here
                    </button>
                  </div>
                )}
              </>
            )}
          </div>
        </li>
        <li class="step" data-done={hasEvent}>
          <span class="mark">{isDone(hasEvent) ?? 3}</span>
          <div class="stack tight">
            <h3>See it</h3>
            <p class="soft">
              {hasEvent ? (
                <>
                  It is recorded. <Link to="/customers">Open the customer</Link> to see what followed from it, and why;
                  the next ones show in the live activity below.
                </>
              ) : (
                'It appears below as soon as it is recorded, with what followed from it.'
              )}
            </p>
          </div>
        </li>
      </ol>
    </Card>
  )
}

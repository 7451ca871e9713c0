// The auditor: deciding again, verifying and exporting a log of purchases, on a server of its own, and its memory meanwhile.
import { call, type Row, residentMb, type Server, startServer } from './harness.ts'

const EVENTS = Number(process.env.BENCH_AUDIT_EVENTS ?? 50_000)
const CUSTOMERS = 2_000
const BATCH = 1_000

/** Reads an answer of lines; gives how many there were and what the last one says. */
const lines = async (server: Server, path: string): Promise<{ readonly count: number; readonly end: unknown }> => {
  const answer = await fetch(server.url + path, { headers: server.adminHeaders })
  if (!answer.ok || answer.body === null) throw new Error(`${path}: ${answer.status}`)
  const decoder = new TextDecoder()
  let count = 0
  let rest = ''
  let last = ''
  for await (const chunk of answer.body) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = parts.pop() ?? ''
    count += parts.length
    last = parts.at(-1) ?? last
  }
  const { end } = JSON.parse(last) as { end?: unknown }
  if (end === undefined) throw new Error(`${path}: unfinished`)
  return { count, end }
}

const fill = async (server: Server): Promise<void> => {
  await call(server, 'POST', '/v1/event-schemas', server.adminHeaders, {
    name: 'bought',
    schema: { properties: { amount: { type: 'number' } } },
  })
  await call(server, 'POST', '/v1/segments', server.adminHeaders, {
    name: 'keen',
    type: 'auto-update',
    condition: { event: 'bought', count: { $more_than_equal: 3 } },
  })
  for (let sent = 0; sent < EVENTS; sent += BATCH)
    await call(server, 'POST', '/v1/events/batch', server.headers, {
      events: Array.from({ length: BATCH }, (_, i) => ({
        event: 'bought',
        customer: { source_id: `bench-${((sent + i) * 7_919) % CUSTOMERS}` },
        metadata: { amount: (sent + i) % 500 },
      })),
    })
}

export const benchAudit = async (): Promise<Row[]> => {
  const server = await startServer()
  try {
    await fill(server)
    const again = (await lines(server, '/v1/audit/redecide')).end as {
      facts: number
      seconds: number
      different: number
    }
    const verified = (await lines(server, '/v1/audit/verify')).end as { facts: number; seconds: number; holds: boolean }
    const started = performance.now()
    const exported = await lines(server, '/v1/audit/export')
    const seconds = (performance.now() - started) / 1_000
    if (again.different > 0 || !verified.holds) throw new Error('what was recorded and what is served differ')
    return [
      { name: 'redecide', value: again.facts / again.seconds, unit: 'events/s', target: '≥ 5000' },
      { name: 'verify, rebuild and comparison', value: verified.facts / verified.seconds, unit: 'events/s' },
      { name: 'export over HTTP', value: exported.count / seconds, unit: 'events/s' },
      { name: 'resident memory after these', value: residentMb(server.pid), unit: 'MB', target: '< 400' },
    ]
  } finally {
    await server.stop()
  }
}

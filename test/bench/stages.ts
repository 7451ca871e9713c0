// Where a node's processor time goes, stage by stage: from the profile that V8 writes of its main thread.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { SourceMap } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as v from 'valibot'

const Profile = v.object({
  nodes: v.array(
    v.object({
      id: v.number(),
      callFrame: v.object({
        functionName: v.string(),
        url: v.string(),
        lineNumber: v.number(),
        columnNumber: v.number(),
      }),
      children: v.optional(v.array(v.number())),
    }),
  ),
  /** µs of the system's monotonic clock. */
  startTime: v.number(),
  samples: v.array(v.number()),
  timeDeltas: v.array(v.number()),
})
type Profile = v.InferOutput<typeof Profile>

/** A stage and what of a module's address tells that it is at work; the first that fits, looked for from the innermost call outwards. */
const STAGES: readonly (readonly [stage: string, pattern: RegExp])[] = [
  ['read side: fold', /\/src\/projector\/|\/projections\//],
  ['read side: documents', /\/src\/readmodel\/|\/node_modules\/(mongodb|bson)/],
  [
    'event store client',
    /\/src\/eventstore\/|\/node_modules\/(@eventstore|@grpc|google-protobuf)|node:internal\/http2/,
  ],
  ['metrics and log', /\/node_modules\/(prom-client|pino|sonic-boom|tdigest)|\/src\/log|\/src\/metrics/],
  ['HTTP', /\/src\/http\/|\/node_modules\/(hono|@hono)|node:(_http|internal\/http|http)/],
  ['command: body, target, answer', /\/commands\/|\/queries\//],
  ['customer in memory, append, keys', /\/src\/runtime\//],
  ['decision', /\/src\/domain\//],
  ['waiting in line', /\/src\/line\//],
]
const READ_SIDE = STAGES[0]!

interface Frame {
  readonly name: string
  readonly url: string
  readonly parent: number | undefined
}

const maps = new Map<string, SourceMap | undefined>()
const mapOf = (url: string): SourceMap | undefined => {
  if (maps.has(url)) return maps.get(url)
  const file = url.startsWith('file:') ? `${fileURLToPath(url)}.map` : ''
  const map = existsSync(file) ? new SourceMap(JSON.parse(readFileSync(file, 'utf8'))) : undefined
  maps.set(url, map)
  return map
}

/** Where a function was written: bundles say so in their maps. */
const sourceOf = ({ url, lineNumber, columnNumber }: Profile['nodes'][number]['callFrame']): string => {
  const entry = mapOf(url)?.findEntry(lineNumber, columnNumber)
  return entry && 'originalSource' in entry ? new URL(entry.originalSource, url).href : url
}

const framesOf = ({ nodes }: Profile): ReadonlyMap<number, Frame> => {
  const parents = new Map<number, number>()
  for (const { id, children = [] } of nodes) for (const child of children) parents.set(child, id)
  return new Map(
    nodes.map(({ id, callFrame }) => [
      id,
      { name: callFrame.functionName, url: sourceOf(callFrame), parent: parents.get(id) },
    ]),
  )
}

const stageOf = (id: number, frames: ReadonlyMap<number, Frame>): string => {
  const leaf = frames.get(id)
  if (leaf?.name === '(garbage collector)') return 'garbage collection'
  if (leaf?.name === '(program)') return 'system calls and V8 itself'
  let found: string | undefined
  for (let at = leaf; at !== undefined; at = at.parent === undefined ? undefined : frames.get(at.parent)) {
    const { url } = at
    if (found === undefined) found = STAGES.find(([, pattern]) => pattern.test(url))?.[0]
    // What the domain does for the read side belongs there.
    else if (found === 'decision' && READ_SIDE[1].test(url)) return READ_SIDE[0]
  }
  return found ?? 'sockets and streams'
}

/** Shares of each stage in the time between two instants (µs of the monotonic clock), and the innermost functions. */
const sharesOf = (profile: Profile, from: number, to: number) => {
  const frames = framesOf(profile)
  const stages = new Map<number, string>()
  const byStage = new Map<string, number>()
  const byFunction = new Map<string, number>()
  const add = (map: Map<string, number>, key: string, us: number) => map.set(key, (map.get(key) ?? 0) + us)
  let at = profile.startTime
  for (const [i, id] of profile.samples.entries()) {
    const us = profile.timeDeltas[i] ?? 0
    at += us
    if (at < from || at > to || us < 0) continue
    const frame = frames.get(id)
    if (frame === undefined || frame.name === '(idle)' || frame.name === '(root)') continue
    const stage = stages.get(id) ?? stageOf(id, frames)
    stages.set(id, stage)
    add(byStage, stage, us)
    add(byFunction, `${frame.name || '(anonymous)'} ${frame.url.split('/').slice(-3).join('/')}`, us)
  }
  return { byStage, byFunction }
}

/** Whether a profile is of a node's main thread. */
const isMain = ({ nodes }: Profile): boolean =>
  nodes.some(({ callFrame }) => sourceOf(callFrame).includes('/src/node.ts'))

/** µs of the clock that profiles use. */
export const instant = (): number => Number(process.hrtime.bigint() / 1_000n)

export interface Stage {
  readonly stage: string
  /** µs */
  readonly us: number
}

/** The main thread's time in each stage between two instants, from the profiles in `dir`, and in the functions that took most. */
export const stagesIn = (
  dir: string,
  from: number,
  to: number,
): { readonly stages: readonly Stage[]; readonly functions: readonly (readonly [name: string, us: number])[] } => {
  for (const name of readdirSync(dir)) {
    if (!name.endsWith('.cpuprofile')) continue
    const profile = v.parse(Profile, JSON.parse(readFileSync(join(dir, name), 'utf8')))
    if (!isMain(profile)) continue
    const { byStage, byFunction } = sharesOf(profile, from, to)
    const largest = (map: ReadonlyMap<string, number>) => [...map].sort(([, a], [, b]) => b - a)
    return {
      stages: largest(byStage).map(([stage, us]) => ({ stage, us })),
      functions: largest(byFunction).slice(0, 45),
    }
  }
  throw new Error(`there is no profile of a node in ${dir}`)
}

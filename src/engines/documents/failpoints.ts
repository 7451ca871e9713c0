// `failCommand`, the server's own way to inject faults: the store's test mode, off unless an option allows it.
import { badValue, CommandError } from './errors.ts'
import { type Doc, isArray, isDoc, isNumber, type Value } from './values.ts'

export interface Fault {
  readonly errorCode: number | undefined
  /** Labels given in place of the usual ones. */
  readonly errorLabels: readonly string[] | undefined
  readonly closeConnection: boolean
  /** Added to the answer of the command, which is run. */
  readonly writeConcernError: Doc | undefined
  readonly blockMs: number
}

export interface Failpoints {
  /** Takes the fields of a `configureFailPoint`; answers how often it was used. */
  configure(body: Doc): number
  /** What befalls this command, if anything. */
  take(command: string, appName: string | undefined): Fault | undefined
}

interface Active {
  readonly commands: ReadonlySet<string>
  readonly appName: Value | undefined
  readonly fault: Fault
  skip: number
  times: number
}

const strings = (value: Value | undefined): readonly string[] => (isArray(value) ? value.map(String) : [])

const number = (value: Value | undefined): number | undefined =>
  isNumber(value) ? Number(value.toString()) : undefined

const countOf = (mode: Value | undefined): { readonly skip: number; readonly times: number } | undefined => {
  if (mode === 'off') return undefined
  if (mode === 'alwaysOn') return { skip: 0, times: Number.POSITIVE_INFINITY }
  if (!isDoc(mode)) throw badValue('unknown mode of a fail point')
  const times = number(mode.get('times'))
  const skip = number(mode.get('skip'))
  if (times === undefined && skip === undefined) throw badValue('a fail point needs the mode times or skip')
  return { skip: skip ?? 0, times: times ?? Number.POSITIVE_INFINITY }
}

export const createFailpoints = (): Failpoints => {
  let active: Active | undefined
  let used = 0
  return {
    configure: (body) => {
      if (body.get('configureFailPoint') !== 'failCommand')
        throw new CommandError(2, `no such fail point: ${String(body.get('configureFailPoint'))}`)
      const count = countOf(body.get('mode'))
      const before = used
      used = 0
      if (!count) {
        active = undefined
        return before
      }
      const data = body.get('data')
      if (!isDoc(data)) throw badValue('failCommand needs data')
      const wce = data.get('writeConcernError')
      active = {
        ...count,
        commands: new Set(strings(data.get('failCommands'))),
        appName: data.get('appName'),
        fault: {
          errorCode: number(data.get('errorCode')),
          errorLabels: data.has('errorLabels') ? strings(data.get('errorLabels')) : undefined,
          closeConnection: data.get('closeConnection') === true,
          writeConcernError: isDoc(wce) ? wce : undefined,
          blockMs: data.get('blockConnection') === true ? (number(data.get('blockTimeMS')) ?? 0) : 0,
        },
      }
      return before
    },
    take: (command, appName) => {
      if (!active?.commands.has(command) || command === 'configureFailPoint') return undefined
      if (active.appName !== undefined && active.appName !== appName) return undefined
      if (active.skip > 0) {
        active.skip -= 1
        return undefined
      }
      const { fault } = active
      used += 1
      active.times -= 1
      if (active.times <= 0) active = undefined
      return fault
    },
  }
}

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
  take(attempt: Attempt): Fault | undefined
}

/** The command that a fail point is held against. */
export interface Attempt {
  readonly command: string
  readonly appName: string | undefined
  /** `database.collection`, where the command is about one. */
  readonly namespace: string | undefined
}

interface Mode {
  readonly skip: number
  readonly times: number
  readonly probability: number
}

interface Active {
  /** Undefined for all commands. */
  readonly commands: ReadonlySet<string> | undefined
  readonly appName: Value | undefined
  readonly namespace: Value | undefined
  readonly probability: number
  readonly fault: Fault
  skip: number
  times: number
}

const strings = (value: Value | undefined): readonly string[] => (isArray(value) ? value.map(String) : [])

const number = (value: Value | undefined): number | undefined =>
  isNumber(value) ? Number(value.toString()) : undefined

const modeOf = (mode: Value | undefined): Mode | undefined => {
  const always: Mode = { skip: 0, times: Number.POSITIVE_INFINITY, probability: 1 }
  if (mode === 'off') return undefined
  if (mode === 'alwaysOn') return always
  if (!isDoc(mode)) throw badValue('unknown mode of a fail point')
  const times = number(mode.get('times'))
  const skip = number(mode.get('skip'))
  const probability = number(mode.get('activationProbability'))
  if (times === undefined && skip === undefined && probability === undefined)
    throw badValue('a fail point needs the mode times, skip or activationProbability')
  if (probability !== undefined && !(probability >= 0 && probability <= 1))
    throw badValue('activationProbability must be between 0 and 1')
  return { skip: skip ?? 0, times: times ?? always.times, probability: probability ?? 1 }
}

export const createFailpoints = (): Failpoints => {
  let active: Active | undefined
  let used = 0
  return {
    configure: (body) => {
      if (body.get('configureFailPoint') !== 'failCommand')
        throw new CommandError(2, `no such fail point: ${String(body.get('configureFailPoint'))}`)
      const mode = modeOf(body.get('mode'))
      const before = used
      used = 0
      if (!mode) {
        active = undefined
        return before
      }
      const data = body.get('data')
      if (!isDoc(data)) throw badValue('failCommand needs data')
      const wce = data.get('writeConcernError')
      active = {
        ...mode,
        commands: data.get('failAllCommands') === true ? undefined : new Set(strings(data.get('failCommands'))),
        appName: data.get('appName'),
        namespace: data.get('namespace'),
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
    take: ({ command, appName, namespace }) => {
      if (active === undefined || command === 'configureFailPoint') return undefined
      if (active.commands?.has(command) === false) return undefined
      if (active.appName !== undefined && active.appName !== appName) return undefined
      if (active.namespace !== undefined && active.namespace !== namespace) return undefined
      if (active.skip > 0) {
        active.skip -= 1
        return undefined
      }
      if (active.probability < 1 && Math.random() >= active.probability) return undefined
      const { fault } = active
      used += 1
      active.times -= 1
      if (active.times <= 0) active = undefined
      return fault
    },
  }
}

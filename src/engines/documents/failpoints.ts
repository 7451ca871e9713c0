// The server's own fail points, its way to inject faults: the store's test mode, off unless an option allows it.
import { badValue, CommandError, notImplemented } from './errors.ts'
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
  /** What `failCommand` does to this command, if anything. */
  take(attempt: Attempt): Fault | undefined
  /** What `onPrimaryTransactionalWrite` does to a statement of a retryable write, if anything. */
  takeStatement(): StatementFault | undefined
}

export interface StatementFault {
  /** The statement fails by this code and is not made; without it, it is made. */
  readonly errorCode: number | undefined
  /** The connection ends, and with it the answer. */
  readonly closeConnection: boolean
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

/** How often a fail point still is to be passed over, and to act. */
interface Turns {
  readonly probability: number
  skip: number
  times: number
}

interface ActiveStatement extends Turns {
  readonly fault: StatementFault
}

interface Active extends Turns {
  /** Undefined for all commands. */
  readonly commands: ReadonlySet<string> | undefined
  readonly appName: Value | undefined
  readonly namespace: Value | undefined
  readonly fault: Fault
}

/** The server's fail points that test suites turn off, whether they were on or not. Here they are never on. */
const OTHERS: ReadonlySet<string> = new Set(['failGetMoreAfterCursorCheckout', 'failGetMoreBeforeCursorCheckout'])

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

const isTurn = (turns: Turns): boolean => {
  if (turns.skip > 0) {
    turns.skip -= 1
    return false
  }
  if (turns.probability < 1 && Math.random() >= turns.probability) return false
  turns.times -= 1
  return true
}

const failCommandOf = (mode: Mode, data: Value | undefined): Active => {
  if (!isDoc(data)) throw badValue('failCommand needs data')
  const wce = data.get('writeConcernError')
  return {
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
}

const statementFaultOf = (mode: Mode, data: Value | undefined): ActiveStatement => {
  const fields: Doc = isDoc(data) ? data : new Map()
  return {
    ...mode,
    fault: {
      errorCode: number(fields.get('failBeforeCommitExceptionCode')),
      closeConnection: fields.get('closeConnection') !== false,
    },
  }
}

export const createFailpoints = (): Failpoints => {
  let active: Active | undefined
  let statements: ActiveStatement | undefined
  const used = { failCommand: 0, onPrimaryTransactionalWrite: 0 }
  return {
    configure: (body) => {
      const name = body.get('configureFailPoint')
      const mode = modeOf(body.get('mode'))
      if (name !== 'failCommand' && name !== 'onPrimaryTransactionalWrite') {
        if (!OTHERS.has(String(name))) throw new CommandError(2, `no such fail point: ${String(name)}`)
        if (mode) throw notImplemented(`the fail point ${String(name)}`)
        return 0
      }
      const data = body.get('data')
      if (name === 'failCommand') active = mode && failCommandOf(mode, data)
      else statements = mode && statementFaultOf(mode, data)
      const before = used[name]
      used[name] = 0
      return before
    },
    take: ({ command, appName, namespace }) => {
      if (active === undefined || command === 'configureFailPoint') return undefined
      if (active.commands?.has(command) === false) return undefined
      if (active.appName !== undefined && active.appName !== appName) return undefined
      if (active.namespace !== undefined && active.namespace !== namespace) return undefined
      if (!isTurn(active)) return undefined
      const { fault } = active
      used.failCommand += 1
      if (active.times <= 0) active = undefined
      return fault
    },
    takeStatement: () => {
      if (statements === undefined || !isTurn(statements)) return undefined
      const { fault } = statements
      used.onPrimaryTransactionalWrite += 1
      if (statements.times <= 0) statements = undefined
      return fault
    },
  }
}

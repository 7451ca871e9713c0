// The trouble that a whole run of the application's own tests is to stand: FAULTS=random makes the engines answer as servers
// in trouble do, FAULTS=kill has them killed and started again all the time; both may be given, separated by a comma.

export interface Trouble {
  readonly random: boolean
  readonly kill: boolean
  readonly seed: number
}

const parse = (text: string | undefined, seed: string | undefined): Trouble | undefined => {
  if (!text) return undefined
  const kinds = text.split(',')
  const unknown = kinds.find((kind) => kind !== 'random' && kind !== 'kill')
  if (unknown !== undefined) throw new Error(`FAULTS=${unknown}: random, kill or both`)
  const number = seed ? Number(seed) : Math.floor(Math.random() * 2 ** 31)
  return { random: kinds.includes('random'), kill: kinds.includes('kill'), seed: number }
}

/** The trouble that this run asks for; undefined for none. Servers given by URL are left alone. */
export const trouble =
  process.env.EVENTSTORE_URL || process.env.MONGODB_URL ? undefined : parse(process.env.FAULTS, process.env.FAULTS_SEED)

if (trouble !== undefined) console.log(`FAULTS=${process.env.FAULTS} FAULTS_SEED=${trouble.seed}`)

/** How many times longer than usual something may take. */
export const patience = trouble === undefined ? 1 : 6

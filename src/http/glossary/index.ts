// What the names of the API mean, said once for each: for all properties and parameters that do not say it themselves.
import { answers } from './answers.ts'
import { common } from './common.ts'
import { engine } from './engine.ts'
import { incentives } from './incentives.ts'
import { parameters } from './parameters.ts'
import { people } from './people.ts'

const PROPERTIES: Readonly<Record<string, string>> = { ...answers, ...common, ...incentives, ...engine, ...people }
const PARAMETERS: Readonly<Record<string, string>> = parameters

/** What a property of this name is; undefined for a name that nobody has described. */
export const meaningOf = (property: string): string | undefined => PROPERTIES[property]

/** What a parameter of this name is. */
export const meaningOfParameter = (name: string): string | undefined => PARAMETERS[name] ?? PROPERTIES[name]

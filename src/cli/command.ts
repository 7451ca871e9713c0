// The form of a subcommand: it adds itself to the program. Each has a file of its own in this folder.
import { type Command, InvalidArgumentError } from 'commander'

export type Subcommand = (program: Command) => void

/** Parses an option that is a whole number within bounds. */
export const wholeNumber =
  (min: number, max: number) =>
  (text: string): number => {
    const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
    if (!(number >= min && number <= max))
      throw new InvalidArgumentError(`It must be a whole number, ${min} to ${max}.`)
    return number
  }

// Numbers as clients send them, and decimal numbers without the errors of floating point.
import * as v from 'valibot'

/** A number, also as the text that some clients send. */
export const numeric = v.union(
  [
    v.number(),
    v.pipe(
      v.string(),
      v.regex(/^-?\d{1,16}$/),
      v.transform((text) => Number(text)),
    ),
  ],
  'must be a number, or a whole number as text',
)

/** A decimal number as a whole number of units of `10 ** -digits`. */
export const scaled = (text: string): { readonly units: bigint; readonly digits: number } | undefined => {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/i.exec(text)
  if (!match) return undefined
  const [, sign, whole = '0', fraction = '', exponent = '0'] = match
  const digits = fraction.length - Number(exponent)
  const units = BigInt(whole + fraction) * (digits < 0 ? 10n ** BigInt(-digits) : 1n)
  return { units: sign ? -units : units, digits: Math.max(0, digits) }
}

// Whole amounts: a percentage of one, and one divided into parts that add up to it.
import { scaled } from '../numbers.ts'

/**
 * A percentage of an amount (minor units), rounded half up to the minor unit, the percentage taken as it is written in decimal
 * (7.5 % of 10 is 0.75, so 1). Voucherify publishes no rule for its server; its own client library rounds a discount to the
 * nearest minor unit, halves up (`roundMoney` in voucherify.js), and so does this.
 */
export const percentOf = (amount: number, percent: number): number => {
  const exact = scaled(String(percent))
  if (!exact) throw new Error(`no finite percentage: ${percent}`)
  const whole = 100n * 10n ** BigInt(exact.digits)
  return Number((2n * BigInt(amount) * exact.units + whole) / (2n * whole))
}

/**
 * Divides a whole amount in proportion to weights, by the largest remainder: each part is its exact share rounded down or up,
 * and the parts add up to the amount. Of equal remainders those that come first in `ranks` (lowest first; else by index) get
 * the unit. All 0 when no weight is positive. An amount up to the sum of the weights gives no part above its weight.
 */
export const spread = (
  amount: number,
  weights: readonly number[],
  ranks: readonly number[] = weights.map((_, i) => i),
): readonly number[] => {
  const all = weights.reduce((sum, weight) => sum + BigInt(weight), 0n)
  if (all <= 0n) return weights.map(() => 0)
  const shares = weights.map((weight) => BigInt(amount) * BigInt(weight))
  const parts = shares.map((share) => Number(share / all))
  const left = amount - parts.reduce((sum, part) => sum + part, 0)
  const remainders = shares.map((share) => share % all)
  const first = weights
    .map((_, i) => i)
    .sort(
      (a, b) =>
        Number(remainders[b]! > remainders[a]!) - Number(remainders[b]! < remainders[a]!) || ranks[a]! - ranks[b]!,
    )
  for (const i of first.slice(0, left)) parts[i] = parts[i]! + 1
  return parts
}

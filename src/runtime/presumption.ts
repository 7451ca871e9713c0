// Whether a guess about a customer that memory does not hold is worth an append: that it is new, that its snapshot is the newest.

const WRONG_LIMIT = 16
const TRIED_OF = 16

/**
 * A guess is worth it as long as it turns out right often enough, for each mistake costs an append. Where it does not, one in so
 * many is still tried, to find out when that changes.
 */
export const createPresumption = () => {
  let wrong = 0
  let left = 0
  return {
    isWorthIt: (): boolean => wrong < WRONG_LIMIT || left++ % TRIED_OF === 0,
    wasRight(): void {
      wrong = Math.max(0, wrong - 2)
    },
    wasWrong(): void {
      wrong = Math.min(2 * WRONG_LIMIT, wrong + 1)
    },
  }
}

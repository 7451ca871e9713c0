/** For sorting by texts, the least code unit first; what sorts by equal texts stays in its order. */
export const byText = (a: string, b: string): number => (a < b ? -1 : Number(a > b))

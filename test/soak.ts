// How long the tests run: as `npm test` has them, or as long runs do (`npm run soak`). The one place that asks.

/** The share of a long run that this one is: 0 in `npm test`, 1 in `npm run soak`, else what SOAK says (`SOAK=0.1`: a tenth). */
const share = Number(process.env.SOAK || 0)
if (!(share >= 0)) throw new Error(`SOAK must be a number such as 1 or 0.1: ${process.env.SOAK}`)

/** Whether this is a long run: then also what takes long, however often, is tried. */
export const isSoak = share > 0

/** As often as `npm test` does, or as a long run of this share does, which is never less often. */
export const times = (usual: number, long: number): number =>
  isSoak ? Math.max(usual, Math.round(long * share)) : usual

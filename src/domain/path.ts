// Where something stands in what was sent, as refusals name it: `holders[0].email`.

/** A name of a property, or a place in a list. */
export type Step = string | number

/** Characters of one name that are shown. */
const MAX_NAME = 100

/** A name as it is shown. */
export const clip = (name: string): string => (name.length > MAX_NAME ? `${name.slice(0, MAX_NAME)}…` : name)

const stepText = (step: Step): string => (typeof step === 'number' ? `[${step}]` : `.${clip(step)}`)

/** One step further on a path; the empty path is the whole. */
export const at = (path: string, step: Step): string =>
  path === '' ? stepText(step).replace(/^\./, '') : path + stepText(step)

/** `Property .holders[0].email`; `Payload` for the whole. Steps go from the outermost inwards. */
export const subjectOf = (steps: readonly Step[]): string =>
  steps.length === 0 ? 'Payload' : `Property ${steps.map(stepText).join('')}`

/** A fault in words, its path as `at` makes it. */
export const faultText = ({ path, message }: { readonly path: string; readonly message: string }): string =>
  `Property .${path} ${message}`

/** The steps to what a schema found. */
export const stepsOf = (path: readonly { readonly key: unknown }[] = []): readonly Step[] =>
  path.map(({ key }) => (typeof key === 'number' ? key : String(key)))

/** The path of what a schema found; empty for the whole. */
export const issuePath = ({ path }: { readonly path?: readonly { readonly key: unknown }[] | undefined }): string =>
  stepsOf(path).reduce<string>(at, '')

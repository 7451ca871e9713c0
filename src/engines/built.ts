// Where the engines' processes start: files that the build writes beside the chunk that this module ends up in, or, when the
// sources themselves are run, in `dist/`.

/** A file of the built program. */
export const builtFile = (name: string): URL =>
  new URL(import.meta.url.endsWith('.ts') ? `../../dist/${name}` : name, import.meta.url)

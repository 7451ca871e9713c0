/** `package.json`; sources (`src/`) and what is built of them (`dist/`) are siblings, so the address holds in both. */
export const PACKAGE_FILE = new URL('../package.json', import.meta.url)

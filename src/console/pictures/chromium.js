// The browser in which tests, benches and pictures look at the console. What Debian calls the headless shell draws pages as Chromium
// does, without the windows around them: it starts with a quarter of the processor time. Pages are the same in both.
import { existsSync } from 'node:fs'

const PLACES = process.env.CHROMIUM ? [process.env.CHROMIUM] : ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium']

/** Where it is; undefined when it is in none of its places. */
export const CHROMIUM = PLACES.find((path) => existsSync(path))

/** Why there is none. */
export const NO_CHROMIUM = `there is no Chromium at ${PLACES.join(' or ')} (apt-get install chromium-headless-shell, or name one with CHROMIUM)`

export const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

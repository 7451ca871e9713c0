// Passwords as they are kept: salted scrypt hashes (RFC 7914), made and compared off the main thread.
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { Unavailable } from '../http/errors.ts'

/**
 * 32 MiB and three rounds, one of the settings that OWASP's Password Storage Cheat Sheet (2024) gives for scrypt as equal in
 * strength: N = 2^15, r = 8, p = 3. Greater memory with fewer rounds would let a few sign-ins at once fill a small machine.
 */
export const PASSWORD_COST = { ln: 15, r: 8, p: 3 }
const SALT = 16
const HASH = 32
/** What a kept hash may ask for: it comes from the log, which others may have written to. */
const MOST = { ln: 20, r: 32, p: 16, bytes: 256 * 1024 * 1024 } as const

/** Hashes at once, each 32 MiB and one thread of the pool, which files and names of hosts need too. */
const AT_ONCE = 2
const WAITING = 50

const MIN_PASSWORD = 12
const MAX_PASSWORD = 200

/** Why a password may not be used (NIST SP 800-63B: length counts, not kinds of characters); undefined when it may. */
export const passwordFault = (password: string, about: readonly string[]): string | undefined => {
  const length = [...password].length
  if (length < MIN_PASSWORD) return `must have at least ${MIN_PASSWORD} characters`
  if (length > MAX_PASSWORD) return `must have at most ${MAX_PASSWORD} characters`
  if (new Set(password).size < 5) return 'must have more than a few characters again and again'
  const plain = password.toLowerCase()
  const isAbout = about.some((text) => text.length > 3 && plain.replaceAll(text.toLowerCase(), '').length < 8)
  return isAbout ? 'must be more than your name or address' : undefined
}

/** The password as bytes, in one form of Unicode: keyboards write the same letters differently. */
const bytesOf = (password: string): Buffer => Buffer.from(password.normalize('NFKC'))

interface Kept {
  readonly ln: number
  readonly r: number
  readonly p: number
  readonly salt: Buffer
  readonly hash: Buffer
}

const FORM = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/

const parse = (text: string): Kept | undefined => {
  const [, ln, r, p, salt = '', hash = ''] = FORM.exec(text) ?? []
  const kept = {
    ln: Number(ln),
    r: Number(r),
    p: Number(p),
    salt: Buffer.from(salt, 'base64'),
    hash: Buffer.from(hash, 'base64'),
  }
  const isKnown = kept.ln <= MOST.ln && kept.r <= MOST.r && kept.p <= MOST.p && kept.hash.length === HASH
  return isKnown && 128 * 2 ** kept.ln * kept.r <= MOST.bytes ? kept : undefined
}

const plain = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '')

export interface Passwords {
  /** What is kept of a password, in the PHC string format. Rejects with `Unavailable` when too many wait. */
  hash(password: string): Promise<string>
  /** Whether a password is the one that was kept. Takes as long where there is none. */
  matches(password: string, kept: string | undefined): Promise<boolean>
}

/** `cost`: of new hashes; kept ones say themselves what they were made with. */
export const createPasswords = (cost = PASSWORD_COST): Passwords => {
  let running = 0
  const waiting: (() => void)[] = []
  const derive = async (password: string, { ln, r, p, salt }: Omit<Kept, 'hash'>): Promise<Buffer> => {
    if (running < AT_ONCE) running++
    else if (waiting.length >= WAITING) throw new Unavailable('Too many are signing in at once', { retryAfter: 2 })
    // Whoever is done hands on the place.
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      const options = { N: 2 ** ln, r, p, maxmem: 2 * 128 * 2 ** ln * r }
      return await new Promise((resolve, reject) =>
        scrypt(bytesOf(password), salt, HASH, options, (error, key) => (error ? reject(error) : resolve(key))),
      )
    } finally {
      const next = waiting.shift()
      if (next) next()
      else running--
    }
  }
  const nobody: Kept = { ...cost, salt: randomBytes(SALT), hash: randomBytes(HASH) }
  return {
    async hash(password) {
      const salt = randomBytes(SALT)
      const { ln, r, p } = cost
      const key = await derive(password, { ln, r, p, salt })
      return `$scrypt$ln=${ln},r=${r},p=${p}$${plain(salt)}$${plain(key)}`
    },
    async matches(password, kept) {
      const known = kept === undefined ? undefined : parse(kept)
      const { hash, ...rest } = known ?? nobody
      const isSame = timingSafeEqual(await derive(password, rest), hash)
      return isSame && known !== undefined
    },
  }
}

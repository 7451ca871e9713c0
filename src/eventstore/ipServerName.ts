// Keeps one warning of Node away that nobody can do anything about: the client names a server by its IP address in the TLS
// handshake, where RFC 6066 wants a name. The address is checked against the certificate all the same.

const IP_AS_SERVER_NAME = 'DEP0123'

let muted = false

/** Every other warning goes its usual way. Calling it again changes nothing. */
export const muteIpServerName = (): void => {
  if (muted) return
  muted = true
  process.emitWarning = new Proxy(process.emitWarning, {
    apply: (emitWarning, self, given: readonly unknown[]) => {
      if (!given.includes(IP_AS_SERVER_NAME)) Reflect.apply(emitWarning, self, given)
    },
  })
}

// A client that sends bytes, for what no driver would send.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { BSON, type Document } from 'mongodb'

export interface RawClient {
  readonly socket: Socket
  send(bytes: Uint8Array): void
  /** Sends a command as OP_MSG and gives its answer. */
  command(command: Document): Promise<Document>
  /** Resolves when the server has closed the connection. */
  readonly closed: Promise<void>
  end(): void
}

let requestId = 0

const header = (length: number, operation: number): Buffer => {
  requestId += 1
  const head = Buffer.alloc(16)
  head.writeInt32LE(length, 0)
  head.writeInt32LE(requestId, 4)
  head.writeInt32LE(operation, 12)
  return head
}

/** An OP_MSG with one body. */
export const message = (command: Document, flags = 0): Buffer => {
  const body = BSON.serialize(command)
  const rest = Buffer.alloc(5)
  rest.writeUInt32LE(flags, 0)
  return Buffer.concat([header(21 + body.length, 2013), rest, body])
}

/** An OP_QUERY, as old clients greet. */
export const query = (collection: string, command: Document): Buffer => {
  const body = BSON.serialize(command)
  const name = Buffer.from(`${collection}\0`)
  const numbers = Buffer.alloc(8)
  numbers.writeInt32LE(-1, 4)
  return Buffer.concat([header(16 + 4 + name.length + 8 + body.length, 2004), Buffer.alloc(4), name, numbers, body])
}

export const rawClient = async (url: string): Promise<RawClient> => {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port) })
  await once(socket, 'connect')
  let held = Buffer.alloc(0)
  const waiting: ((answer: Document) => void)[] = []
  socket.on('data', (chunk) => {
    held = Buffer.concat([held, chunk])
    while (held.length >= 16 && held.length >= held.readInt32LE(0)) {
      const length = held.readInt32LE(0)
      const bodyAt = held.readInt32LE(12) === 1 ? 36 : 21
      const answer = BSON.deserialize(held.subarray(bodyAt, length))
      held = held.subarray(length)
      waiting.shift()?.(answer)
    }
  })
  socket.on('error', () => undefined)
  // However it is closed: a server that has not read everything resets the connection.
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  return {
    socket,
    closed,
    send: (bytes) => {
      socket.write(bytes)
    },
    command: (command) =>
      new Promise((resolve, reject) => {
        waiting.push(resolve)
        closed.then(() => reject(new Error('the connection was closed')))
        socket.write(message(command))
      }),
    end: () => socket.destroy(),
  }
}

/** Sends whole messages made elsewhere and gives the answer. */
export const ask = (client: RawClient, bytes: Uint8Array): Promise<Document> =>
  new Promise((resolve) => {
    client.socket.once('data', (chunk) => {
      const bodyAt = chunk.readInt32LE(12) === 1 ? 36 : 21
      resolve(BSON.deserialize(chunk.subarray(bodyAt, chunk.readInt32LE(0))))
    })
    client.send(bytes)
  })

// The process that the crash test kills: serves a document store and says where.
//   node --import tsx writerProcess.ts DIR PORT
import { startDocumentStore } from '../../../src/engines/documents/index.ts'

const [dir = '', port = '0'] = process.argv.slice(2)
const store = await startDocumentStore({ access: 'open', dir, port: Number(port) })
process.stdout.write(`${store.port}\n`)
process.stdin.on('end', () => process.exit(0))
process.stdin.resume()

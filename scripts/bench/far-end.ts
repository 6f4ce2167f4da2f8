// Resolver and metadata service of the bed, and a snapshot of its account; ends with its parent. Prints one JSON line when ready.
//   node scripts/bench/far-end.ts DIRECTORY ANSWERS
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import { createMetadataService } from '../../lab/imds.ts'
import { createSnapshotDirectory } from '../../lab/snapshot.ts'

import { metadataOf } from '../../lab/world/metadata.ts'
import { s3List, usual } from '../../lab/world/default.ts'
import { changeWorld, worldFrom } from '../../lab/world/world.ts'
import { addressOf } from './bed.ts'

const [directory = '', answersText = '1'] = process.argv.slice(2)
const answers = Number(answersText)
let world = worldFrom({ region: 'us-east-1' })

/** A for `t<number>.…`, nothing for everything else; NOERROR always (RFC 1035 section 4.1). */
function answer(query: Buffer): Buffer {
  let end = 12
  while ((query[end] ?? 0) !== 0) end += 1 + (query[end] ?? 0)
  const label = query.toString('latin1', 13, 13 + (query[12] ?? 0))
  const number = /^t\d+$/.test(label) ? Number(label.slice(1)) : null
  const isA = query.readUInt16BE(end + 1) === 1
  const given =
    number === null || !isA ? [] : Array.from({ length: answers }, (_, i) => addressOf(number + 997 * i))
  const header = Buffer.alloc(12)
  query.copy(header, 0, 0, 2)
  header.writeUInt16BE(0x8580, 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(given.length, 6)
  const records = given.map((address) =>
    Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...address.split('.').map(Number)]),
  )
  return Buffer.concat([header, query.subarray(12, end + 5), ...records])
}

const udp = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024 })
udp.on('message', (query, from) => udp.send(answer(query), from.port, from.address))
await new Promise<void>((done) => udp.bind(53, '10.0.0.2', done))

const metadata = createMetadataService({
  metadata: () => metadataOf(world),
  mode: 'answers',
  nowMs: Date.now,
})
const imds = createServer((socket) => metadata.receive(socket))
await new Promise<void>((done) => imds.listen(80, '169.254.169.254', done))

const snapshot = createSnapshotDirectory(directory)
await snapshot.write(world, Date.now())
setInterval(() => void snapshot.write(world, Date.now()), 50_000)
// the route to the endpoint goes
process.on('SIGUSR2', () => {
  world = changeWorld(world, { tables: [{ id: usual.privateTable, removeRoutes: [s3List] }] })
  void snapshot.write(world, Date.now())
})
process.stdin.on('end', () => process.exit(0)).resume()
process.stdout.write(`${JSON.stringify({ snapshot: snapshot.path })}\n`)

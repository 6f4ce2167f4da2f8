// A TLS server of its own process for the benchmarks: prints its port and the authority's certificate, ends with its parent.
import { createServer } from 'node:tls'
import { createAuthority } from '../../lab/certificates.ts'

const authority = createAuthority({ commonName: 'bench root', nowMs: Date.now() })
const leaf = authority.issue({ names: ['bench.example'] })
const server = createServer({ cert: leaf.certificate, key: leaf.key }, (socket) => {
  socket.on('error', () => undefined)
  socket.once('data', () =>
    socket.end(
      'HTTP/1.1 403 Forbidden\r\nx-amz-request-id: BENCH\r\nContent-Length: 0\r\nConnection: close\r\n\r\n',
    ),
  )
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no TCP address')
  process.stdout.write(`${JSON.stringify({ port: address.port, ca: authority.certificate })}\n`)
})
process.stdin.on('end', () => process.exit(0)).resume()

// Run by a test inside a network namespace: what lies beyond the router.
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'

const quiet = () => undefined
const tcp = createServer((socket) => {
  socket.on('error', quiet)
})
tcp.listen({ host: '::', port: 8443 }, () => {
  const udp = createSocket({ type: 'udp6' })
  udp.on('message', (_bytes, from) => udp.send('?', from.port, from.address))
  udp.bind({ port: 53, address: '::' }, () => {
    // takes what comes, and says nothing
    const silent = createSocket({ type: 'udp6' })
    silent.bind({ port: 123, address: '::' }, () => process.stdout.write('ready\n'))
  })
})

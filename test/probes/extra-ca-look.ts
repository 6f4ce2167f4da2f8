// Run by a test with the environment of a host that trusts more than the public roots: says whether our context takes those.
import { connect } from 'node:tls'
import { systemTrust } from '../../probes/host.ts'
import { prepareTrust } from '../../probes/trust.ts'

const port = Number(process.argv[2])
const servername = 'bucket.s3.us-east-1.amazonaws.com'
async function authorized(
  secureContext?: ReturnType<typeof prepareTrust>['secureContext'],
): Promise<boolean> {
  const socket = connect({
    host: '127.0.0.1',
    port,
    servername,
    rejectUnauthorized: false,
    ...(secureContext && { secureContext }),
  })
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject))
  socket.destroy()
  return socket.authorized
}
const ours = await authorized(prepareTrust(systemTrust([])).secureContext)
process.stdout.write(JSON.stringify({ usual: await authorized(), ours }))

// Run by a test inside a network namespace: looks at each URL once and prints the rounds, as JSON.
import { randomBytes } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import { lookOut } from '../../probes/egress.ts'
import { parseEgressUrl } from '../../probes/egress-url.ts'
import { systemHost } from '../../probes/host.ts'
import { limit } from '../../probes/limit.ts'
import { loopWatch } from '../../probes/loop-watch.ts'

const host = systemHost({})
const { signal } = new AbortController()
const rounds = await Promise.all(
  process.argv.slice(2).map(async (url) => {
    const destination = parseEgressUrl(url)
    if (!destination.ok) throw new Error(`${url} ${destination.problem}`)
    const { looks } = await lookOut(
      { destination: destination.value, heedProxy: false, control: null, source: () => null },
      {
        ...host,
        hasFamily: (family) => host.addresses().some((one) => one.family === family && !one.linkLocal),
        loop: loopWatch(),
        handshakes: limit(4),
        secureContext: createSecureContext(),
        randomBytes,
        nat64Prefixes: [],
        userAgent: 'pathproof/test',
        timeoutSeconds: 2.5,
        signal,
      },
    )
    return [url, looks] as const
  }),
)
process.stdout.write(JSON.stringify(Object.fromEntries(rounds)))

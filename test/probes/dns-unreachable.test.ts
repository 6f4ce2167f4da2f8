import { expect, it } from 'vitest'
import { queryResolver } from '../../probes/dns.ts'
import { systemClock } from '../../probes/host.ts'

it('a name server that the kernel refuses to connect to is a failure, not the end of the process', async () => {
  // connect(2) to the broadcast address is EACCES at once, as ENETUNREACH where there is no route; nothing is sent
  const server = { address: '255.255.255.255', port: 53 }
  const seen = await queryResolver(
    { hostname: 'sts.amazonaws.com', resolver: { name: 'system', server }, counts: true },
    {
      clock: systemClock,
      serverAddress: (one) => one,
      stamp: () => ({ id: 'x', wallMs: 0, monotonicMs: 0, bootId: 'b', snapshot: null, configuration: null }),
      randomId: () => 1,
      timeoutSeconds: 2,
      signal: new AbortController().signal,
    },
  )
  expect(seen.ipv4).toMatchObject({
    answered: false,
    failure: { code: expect.stringMatching(/^E[A-Z]+$/) as string },
  })
  expect(seen.ipv6).toMatchObject({ answered: false })
})

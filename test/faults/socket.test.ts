import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectLine, expectMetrics, play } from './play.ts'
import { socketScenario, tcpFaults, tlsFaults } from './socket-faults.ts'
import { type Stage, startStage } from './stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await startStage({ scenario: socketScenario, targets: [] })
})
afterAll(() => stage.stop())

describe('what is wrong with TCP and TLS leaves its state, its metric and its line in the log', () => {
  for (const [number, row] of [...tcpFaults, ...tlsFaults].entries())
    it(row.fault, () => play(stage, row, number))
})

it('HTTPS_PROXY is set: nothing goes through it, the log names the variable and not its value', async () => {
  let connections = 0
  const proxy = createServer((socket) => {
    connections += 1
    socket.destroy()
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const { port } = proxy.address() as AddressInfo
  const target = 'behind'
  const hostname = 'behind.s3.us-east-1.amazonaws.com'
  const proxied = await startStage({
    scenario: socketScenario,
    targets: [{ name: target, hostname, every: '30s', timeout: '2s' }],
    environment: {
      HTTPS_PROXY: `http://agent:hunter2@127.0.0.1:${port}`,
      http_proxy: `http://127.0.0.1:${port}`,
    },
  })
  try {
    await proxied.cycle()
    await expectMetrics(proxied, { target, hostname }, { state: 'private', metrics: {} }, new Map())
    expectLine(proxied.log, { event: 'proxy_ignored', level: 'info', variables: 'HTTPS_PROXY,http_proxy' })
    expect(JSON.stringify(proxied.log)).not.toContain('hunter2')
    expect(connections).toBe(0)
  } finally {
    await proxied.stop()
    proxy.close()
  }
})

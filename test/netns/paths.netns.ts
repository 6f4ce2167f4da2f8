/**
 * The daemon in a network of real packets: what it says, against what the routers saw. The truth is captured where packets
 * pass, and taken from no table; the account's API and its name servers are the lab's.
 */
import { afterAll, beforeAll, describe, it } from 'vitest'
import { type Lag, lagTable } from './claims.ts'
import { withoutDefaultRoute } from './closed.ts'
import { inDataCentre } from './data-centre.ts'
import { type Stage, startStage } from './drive.ts'
import { onInstance } from './instance.ts'
import { ipProgram, lackOfNetwork } from './needs.ts'
import { titled } from '../support/needs.ts'

const lack = await lackOfNetwork()
if (lack !== null) console.warn(`the network of real packets is skipped: ${lack}`)

describe.skipIf(lack !== null)(titled('real packets', lack), () => {
  let stage: Stage
  const lags: Lag[] = []
  const notes: string[] = []
  beforeAll(async () => {
    stage = await startStage(3, ipProgram())
  })
  afterAll(async () => {
    await stage?.close()
    const lines = notes.map((note) => `  ${note}`)
    if (lags.length > 0) console.log(`measured lags:\n${lagTable(lags)}\n${lines.join('\n')}`)
  })

  it.concurrent('on an instance: one leaking address, routes that go and come, a poor line, a way out', ({
    expect,
  }) => onInstance({ stage, expect, lags, notes }))

  it.concurrent('in a data centre: fail-over and back, a name server that goes astray', ({ expect }) =>
    inDataCentre({ stage, expect, lags, notes }))

  it.concurrent('without a default route: no attempt outside of the configuration', ({ expect }) =>
    withoutDefaultRoute({ stage, expect, lags, notes }))
})

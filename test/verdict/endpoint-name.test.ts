import { expect, it } from 'vitest'
import { judgeAttempt } from '../../verdict/judge.ts'
import {
  attempt,
  cidrRoute,
  eni,
  interfaceEndpoint,
  snapshot,
  target,
  topology,
  withRoutes,
} from './fixture.ts'

it.each([
  ['vpce-0fa', 'undetermined'],
  ['vpce-0far', 'private'],
])('a declared vpce-0far-… name lends its way to %s: %s', (id, state) => {
  const other = snapshot({
    endpoints: [{ ...interfaceEndpoint, id, vpcId: 'vpc-9', networkInterfaceIds: ['eni-far'] }],
    networkInterfaces: [eni('eni-far', ['10.9.0.7'], { vpcId: 'vpc-9' })],
  })
  const t = topology([withRoutes([cidrRoute('10.9.0.0/16', target('transit_gateway', 'tgw-1'))])], {
    others: [other],
    trustedEndpoints: [
      {
        declared: { dnsName: 'vpce-0far-abc.ssm.us-east-1.vpce.amazonaws.com' },
        via: 'tgw-1',
        addresses: [],
        vpcCidrs: [],
      },
    ],
  })
  expect(
    judgeAttempt(attempt({ address: '10.9.0.7', hostname: 'ssm.us-east-1.amazonaws.com' }), t).state,
  ).toBe(state)
})

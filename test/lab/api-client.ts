import { EC2Client } from '@aws-sdk/client-ec2'
import { type Lab, startLab } from '../../lab/lab.ts'
import { parseScenario } from '../../lab/scenario.ts'

/** A lab of the usual world with what is given as YAML beneath it, on loopback. */
export async function startWith(yaml: string, nowMs: () => number = Date.now): Promise<Lab> {
  const reading = parseScenario(
    `name: mine
title: Mine
story: A story.
names: [{ target: sts, hostname: sts.amazonaws.com }]
expect: [{ hostname: sts.amazonaws.com, state: public }]
${yaml}`,
    'mine.yaml',
  )
  if (!reading.ok) throw new Error(reading.problems.join('\n'))
  return startLab(reading.scenario, { mode: 'mapped', clock: { wallMs: nowMs }, timed: false })
}

/** AWS's own client at the lab's door; one attempt unless it is told otherwise. */
export function clientOf(lab: Lab, more: { maxAttempts?: number; region?: string } = {}): EC2Client {
  return new EC2Client({
    region: 'us-east-1',
    endpoint: String(lab.apiUrl),
    credentials: lab.apiCredentials(),
    maxAttempts: 1,
    ...more,
  })
}

/** Who may ask the APIs: the role of the lab's host, and the sessions that it gets of other roles. */
import { randomBytes } from 'node:crypto'
import type { World } from '../world/types.ts'

/** Temporary credentials with who they stand for. */
export interface ApiCredentials {
  accessKeyId: string
  secretAccessKey: string
  sessionToken: string
  /** Unix milliseconds. */
  expirationMs: number
}

export interface Principal {
  account: string
  /** `arn:aws:sts::111122223333:assumed-role/pathproof-lab/i-0a000050` */
  arn: string
  userId: string
}

export interface Principals {
  /** Who the host is. Credentials that the lab has not issued are taken for the host's. */
  host(): Principal
  /** Credentials of the host's role: renewed when less than an hour of their six is left. */
  hostCredentials(): ApiCredentials
  /** A session of a role; `seconds` is its life. */
  assume(
    roleArn: string,
    session: string,
    seconds: number,
  ): { credentials: ApiCredentials; principal: Principal }
  /** Null: the lab has not issued this key. */
  find(accessKeyId: string): { credentials: ApiCredentials; principal: Principal } | null
}

/** The role of the lab's host. */
export const hostRole = 'pathproof-lab'

const lifeSeconds = 6 * 3600
const maxIssued = 1000

/** `aws`, `aws-cn`, `aws-us-gov`: as the region's name tells. */
export function partitionOf(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn'
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws'
}

/** `nowMs` is Unix milliseconds. */
export function createPrincipals(world: () => World, nowMs: () => number): Principals {
  const issued = new Map<string, { credentials: ApiCredentials; principal: Principal }>()

  const sessionOf = (account: string, role: string, session: string): Principal => ({
    account,
    arn: `arn:${partitionOf(world().region)}:sts::${account}:assumed-role/${role}/${session}`,
    userId: `AROA${Buffer.from(role).toString('hex').toUpperCase().padEnd(17, 'A').slice(0, 17)}:${session}`,
  })
  const issue = (
    principal: Principal,
    seconds: number,
  ): { credentials: ApiCredentials; principal: Principal } => {
    const credentials: ApiCredentials = {
      accessKeyId: `ASIA${randomBytes(8).toString('hex').toUpperCase()}`,
      secretAccessKey: randomBytes(30).toString('base64'),
      sessionToken: randomBytes(90).toString('base64'),
      expirationMs: nowMs() + seconds * 1000,
    }
    const both = { credentials, principal }
    const [oldest] = issued.keys()
    if (issued.size >= maxIssued && oldest !== undefined) issued.delete(oldest)
    issued.set(credentials.accessKeyId, both)
    return both
  }
  const host = (): Principal => {
    const { account, host: own } = world()
    return sessionOf(account, hostRole, own.instance ?? own.hostname)
  }

  let current: ApiCredentials | null = null
  const hostCredentials = (): ApiCredentials => {
    if (current === null || current.expirationMs - nowMs() < 3_600_000) {
      current = issue(host(), lifeSeconds).credentials
    }
    return current
  }
  return {
    host,
    hostCredentials,
    assume: (roleArn, session, seconds) => {
      const [, account = '', role = ''] = /^arn:[a-z-]+:iam::(\d{12}):role\/(.+)$/u.exec(roleArn) ?? []
      // the path of a role is not part of its session's ARN
      return issue(sessionOf(account, role.split('/').at(-1) ?? role, session), seconds)
    },
    find: (accessKeyId) => issued.get(accessKeyId) ?? null,
  }
}

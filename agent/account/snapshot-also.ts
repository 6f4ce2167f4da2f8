import { readRoleArn } from '../../aws/role-arn.ts'
import { readSnapshotDirectory } from '../../aws/snapshot-files.ts'
import type { Snapshot, Vantage } from '../../model/topology.ts'
import type { AlsoConfig, Config } from '../config/config.ts'
import { readSnapshot } from './snapshot-child.ts'
import { type SourceReading, readingProblems } from './snapshot-keeper.ts'
import { type SnapshotSourceDeps, noEndpoints, readerDeps, regionOf } from './snapshot-source.ts'

/** A further account (an entry of `topology.also`), as its keeper needs it. */
export interface AlsoSource {
  /** For people: `account 444455556666 in eu-west-1`, `directory /var/lib/…`. */
  name: string
  /** Where it is read by a role: its account, 12 digits, and its region as configured. Null: a directory. */
  role: { account: string; region: string | null } | null
  /** Reads it once; may reject. `last` is what is known so far. */
  read(last: Snapshot | null): Promise<SourceReading>
}

/** Nobody waits for a further account as for the route tables of one's own. */
const deadlineSeconds = 60

/** For people, and for the name of a file and the labels of metrics: it is the configuration's alone. */
export function alsoName({ directory, roleArn, region }: AlsoConfig): string {
  const account = readRoleArn(roleArn ?? '')?.account
  if (account === undefined) return `directory ${directory ?? ''}`
  return `account ${account}${region === null ? '' : ` in ${region}`}`
}

/**
 * The further accounts that the configuration names, for a host that stands at `vantage`, which is asked anew at each
 * reading. Those by a role are read one after the other: each reading is a process with the SDK in it.
 */
export function alsoSources(config: Config, vantage: () => Vantage, deps: SnapshotSourceDeps): AlsoSource[] {
  const { host, signal } = deps
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const next = last.then(work)
    last = next.catch(() => undefined)
    return next
  }
  return config.topology.also.map((also): AlsoSource => {
    const name = alsoName(also)
    const { directory, roleArn } = also
    const where = roleArn === null ? null : readRoleArn(roleArn)
    if (roleArn === null || where === null) {
      const read = async () => {
        const options = { nowMs: host.clock.wallMs(), undated: 'refuse', signal } as const
        return { snapshot: await readSnapshotDirectory(directory ?? '', options), failures: [] }
      }
      return { name, role: null, read }
    }
    const byRole = async (known: Snapshot | null): Promise<SourceReading> => {
      const here = vantage()
      const own = regionOf(config, here, host.environment)
      const region = also.region ?? own
      if (region === null)
        throw new Error(
          'no region to read it in: set region beside role_arn, AWS_REGION, or region in the targets',
        )
      const { ec2, sts } = config.topology.endpoint ?? noEndpoints
      // the endpoint for EC2 is one of this host's own region; STS is asked there in any case
      const endpoint = { ec2: own === null || region === own ? ec2 : null, sts }
      return await readSnapshot(
        {
          region,
          vpcIds: [],
          parts: 'others',
          deadlineSeconds,
          last: known,
          role: { arn: roleArn, externalId: also.externalId, stsRegion: own ?? region },
          instanceAccount: here.kind === 'ec2' ? here.accountId : null,
        },
        readerDeps(deps, here, endpoint),
      )
    }
    return {
      name,
      role: { account: where.account, region: also.region },
      read: (known) => inTurn(() => byRole(known)),
    }
  })
}

/** Every further account once, for a one-off look; `onProblem` is told what could not be read. Never rejects. */
export async function readAlsoOnce(
  sources: readonly AlsoSource[],
  onProblem: (problem: string) => void,
): Promise<Snapshot[]> {
  const read = await Promise.all(
    sources.map(async ({ name, read }) => {
      try {
        const reading = await read(null)
        for (const problem of readingProblems(reading)) onProblem(`${name}: ${problem}`)
        return [reading.snapshot]
      } catch (error) {
        onProblem(`${name}: ${error instanceof Error ? error.message : String(error)}`)
        return []
      }
    }),
  )
  return read.flat()
}

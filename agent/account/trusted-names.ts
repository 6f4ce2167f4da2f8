import type { Clock, Lookup } from '../../model/host.ts'
import type { TrustedEndpoint } from '../../model/topology.ts'
import { canonicalIp } from '../../net/ip.ts'
import { startDeadline, within } from '../../probes/deadline.ts'
import { limit } from '../../probes/limit.ts'
import type { EndpointName } from '../../verdict/endpoint-names.ts'

export interface TrustedNamesDeps {
  /** As configured. */
  declared: readonly TrustedEndpoint[]
  /** Names of endpoints that nobody declared, asked anew in each round. */
  found(): readonly EndpointName[]
  /** May reject, and may take its time: it can't be cancelled. */
  lookup: Lookup
  clock: Clock
}

/** The endpoints that `trusted_endpoints` declares, and those that were found, with what their names answer in this cycle. */
export interface TrustedNames {
  current(): TrustedEndpoint[]
  /**
   * Asks for all names anew, at most once in 10 s, and waits no longer than `timeoutSeconds`. What has not answered by then
   * has no address until it does. Never rejects.
   */
  resolve(timeoutSeconds: number): Promise<void>
}

const freshMs = 10_000
/** getaddrinfo holds one of the runtime's few threads, which the targets' own names need as well. */
const lookupsAtOnce = 2

interface Answer {
  addresses: string[]
  /** The name server says that there is no such name, or no address of it. */
  absent: boolean
}

const absentCodes = new Set(['ENOTFOUND', 'ENODATA'])

/** One asking of all names; answers that have not come are not there. */
interface Round {
  number: number
  found: readonly EndpointName[]
  answers: Map<string, Answer>
  done: Promise<unknown>
}

export function createTrustedNames({ declared, found, lookup, clock }: TrustedNamesDeps): TrustedNames {
  const lookups = limit(lookupsAtOnce)
  /** Those under way: a name that hangs is not asked for twice. */
  const asking = new Map<string, Promise<Answer>>()
  let resolved: TrustedEndpoint[] = [...declared]
  let resolvedBy = 0
  let rounds = 0
  let round: Round | null = null
  let atMs = -Infinity

  const lookUp = async (name: string): Promise<Answer> => {
    try {
      const results = await lookups.run(() => lookup(name))
      const addresses = results.flatMap(({ address }) => canonicalIp(address) ?? [])
      return { addresses, absent: addresses.length === 0 }
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      return { addresses: [], absent: code !== undefined && absentCodes.has(code) }
    } finally {
      asking.delete(name)
    }
  }

  const ask = (name: string): Promise<Answer> => {
    const answer = asking.get(name) ?? lookUp(name)
    asking.set(name, answer)
    return answer
  }

  const start = (): Round => {
    const answers: Round['answers'] = new Map()
    const names = found()
    const all = new Set([
      ...declared.flatMap((entry) => ('dnsName' in entry.declared ? [entry.declared.dnsName] : [])),
      ...names.flatMap(({ dnsName, controlName }) => [controlName, dnsName]),
    ])
    const done = Promise.all(
      [...all].map((name) => ask(name).then((answer) => void answers.set(name, answer))),
    )
    return { number: ++rounds, found: names, answers, done }
  }

  const take = ({ number, found: names, answers }: Round): void => {
    if (number < resolvedBy) return
    resolvedBy = number
    const addressesOf = (name: string) => answers.get(name)?.addresses ?? []
    resolved = [
      ...declared.map((entry) =>
        'dnsName' in entry.declared ? { ...entry, addresses: addressesOf(entry.declared.dnsName) } : entry,
      ),
      ...names
        .filter(({ controlName }) => answers.get(controlName)?.absent === true)
        .map(
          ({ dnsName }): TrustedEndpoint => ({
            declared: { dnsName },
            via: null,
            addresses: addressesOf(dnsName),
            vpcCidrs: [],
            found: true,
          }),
        ),
    ]
  }

  return {
    current: () => resolved,
    async resolve(timeoutSeconds) {
      if (clock.monotonicMs() - atMs < freshMs) return
      round ??= start()
      const mine = round
      const deadline = startDeadline(timeoutSeconds, new AbortController().signal, clock)
      await within(mine.done, deadline)
      deadline.close()
      take(mine)
      // the next one asks anew also for what answered: an answer counts in its own cycle
      if (round === mine) {
        round = null
        atMs = clock.monotonicMs()
      }
    },
  }
}

import {
  DescribeEgressOnlyInternetGatewaysCommand,
  DescribeFlowLogsCommand,
  DescribeInternetGatewaysCommand,
  DescribeManagedPrefixListsCommand,
  DescribeNatGatewaysCommand,
  DescribeNetworkInterfacesCommand,
  DescribeRouteTablesCommand,
  DescribeSubnetsCommand,
  DescribeVpcBlockPublicAccessExclusionsCommand,
  DescribeVpcBlockPublicAccessOptionsCommand,
  DescribeVpcEndpointsCommand,
  DescribeVpcPeeringConnectionsCommand,
  DescribeVpcsCommand,
  EC2Client,
  GetManagedPrefixListEntriesCommand,
} from '@aws-sdk/client-ec2'
import type { EC2ClientConfig } from '@aws-sdk/client-ec2'
import type { Identity } from './credentials.ts'
import type { Ec2Action } from './snapshot-api-calls.ts'

/** What came of one request, its repetitions included. */
export type Ec2Answer =
  | { ok: true; output: Record<string, unknown>; attempts: number }
  | { ok: false; error: unknown; lastAnswer: unknown; hostname: string; attempts: number }

/** The EC2 API as far as it is read. Holds sockets until it is closed. */
export interface Ec2Api {
  /** One action, tried again with growing and jittered waits where the error may pass. Never rejects. */
  call(action: Ec2Action, input: Record<string, unknown>, signal: AbortSignal): Promise<Ec2Answer>
  close(): void
}

export interface Ec2Options {
  region: string
  identity: Identity
  /** For one request, not counting its repetitions. */
  requestTimeoutSeconds: number
  connectTimeoutSeconds: number
  /** A request is sent at most so often. */
  maxAttempts: number
}

/** The literal list of what this program can ask of EC2: it reads, and nothing else. */
const commands = {
  DescribeRouteTables: DescribeRouteTablesCommand,
  DescribeVpcEndpoints: DescribeVpcEndpointsCommand,
  DescribeSubnets: DescribeSubnetsCommand,
  DescribeNetworkInterfaces: DescribeNetworkInterfacesCommand,
  DescribeManagedPrefixLists: DescribeManagedPrefixListsCommand,
  GetManagedPrefixListEntries: GetManagedPrefixListEntriesCommand,
  DescribeNatGateways: DescribeNatGatewaysCommand,
  DescribeVpcs: DescribeVpcsCommand,
  DescribeVpcPeeringConnections: DescribeVpcPeeringConnectionsCommand,
  DescribeFlowLogs: DescribeFlowLogsCommand,
  DescribeInternetGateways: DescribeInternetGatewaysCommand,
  DescribeEgressOnlyInternetGateways: DescribeEgressOnlyInternetGatewaysCommand,
  DescribeVpcBlockPublicAccessOptions: DescribeVpcBlockPublicAccessOptionsCommand,
  DescribeVpcBlockPublicAccessExclusions: DescribeVpcBlockPublicAccessExclusionsCommand,
} as const satisfies Record<Ec2Action, unknown>

/** All that is used of a command and of the client, alike for every action. */
interface AnyCommand {
  middlewareStack: {
    add(
      middleware: (next: (args: unknown) => Promise<unknown>) => (args: unknown) => Promise<unknown>,
      options: { step: 'deserialize'; name: string; priority: 'high' },
    ): void
  }
}

interface AnyClient {
  send(command: AnyCommand, options: { abortSignal: AbortSignal }): Promise<object>
}

function hostnameOf(args: unknown): string | null {
  const request = (args as { request?: { hostname?: unknown } } | null)?.request
  return typeof request?.hostname === 'string' ? request.hostname : null
}

/**
 * A client of EC2's Query API for one region. The endpoint is AWS's own, or what AWS_ENDPOINT_URL_EC2 (or the
 * profile's `endpoint_url`) says. Loading this file loads the SDK: 60 to 90 MiB.
 */
export function ec2Api(options: Ec2Options): Ec2Api {
  const { region, identity, requestTimeoutSeconds, connectTimeoutSeconds, maxAttempts } = options
  const requests = {
    connectionTimeout: connectTimeoutSeconds * 1000,
    requestTimeout: requestTimeoutSeconds * 1000,
    throwOnRequestTimeout: true,
  }
  const make = (requestHandler: EC2ClientConfig['requestHandler']): EC2Client =>
    new EC2Client({ region, credentials: identity, retryMode: 'adaptive', maxAttempts, requestHandler })
  // EC2 throttles each action by itself, while a client slows down all that it sends: so each action has its own,
  // and all of them the sockets of the first
  const first = make(requests)
  const clients = new Map<Ec2Action, EC2Client>()
  const clientFor = (action: Ec2Action): EC2Client => {
    const known = clients.get(action) ?? make(first.config.requestHandler)
    clients.set(action, known)
    return known
  }
  return {
    async call(action, input, signal) {
      let attempts = 0
      let lastAnswer: unknown = null
      let hostname = `ec2.${region}`
      const command = new (commands[action] as new (input: Record<string, unknown>) => AnyCommand)(input)
      command.middlewareStack.add(
        (next) => async (args) => {
          attempts++
          hostname = hostnameOf(args) ?? hostname
          try {
            return await next(args)
          } catch (error) {
            if (!signal.aborted) lastAnswer = error
            throw error
          }
        },
        { step: 'deserialize', name: 'pathproofAttempt', priority: 'high' },
      )
      try {
        const output = await (clientFor(action) as unknown as AnyClient).send(command, {
          abortSignal: signal,
        })
        return { ok: true, output: output as Record<string, unknown>, attempts }
      } catch (error) {
        return { ok: false, error, lastAnswer, hostname, attempts }
      }
    },
    close: () => first.destroy(),
  }
}

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
import { type Answer, type AnyClient, type AnyCommand, sendCommand } from './send.ts'
import type { Ec2Action } from './snapshot-api-calls.ts'

/** The EC2 API as far as it is read. Holds sockets until it is closed. */
export interface Ec2Api {
  /** One action, tried again with growing and jittered waits where the error may pass. Never rejects. */
  call(action: Ec2Action, input: Record<string, unknown>, signal: AbortSignal): Promise<Answer>
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
    call(action, input, signal) {
      const command = new (commands[action] as new (input: Record<string, unknown>) => AnyCommand)(input)
      return sendCommand(clientFor(action) as unknown as AnyClient, command, `ec2.${region}`, signal)
    },
    close: () => first.destroy(),
  }
}

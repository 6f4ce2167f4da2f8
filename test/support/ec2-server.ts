import { type IncomingMessage, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/** A value as it stands on EC2's wire: lists are `item` elements, everything else text. */
export type Wire = string | number | boolean | Wire[] | Members

export interface Members {
  [name: string]: Wire | undefined
}

function element(name: string, value: Wire): string {
  if (Array.isArray(value)) return `<${name}>${value.map((item) => element('item', item)).join('')}</${name}>`
  if (typeof value === 'object') {
    return `<${name}>${members(value)}</${name}>`
  }
  const text = String(value).replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`)
  return `<${name}>${text}</${name}>`
}

function members(body: Members): string {
  return Object.entries(body)
    .map(([name, value]) => (value === undefined ? '' : element(name, value)))
    .join('')
}

/** An answer of EC2's Query API, as its documentation shows it. */
export function answerXml(action: string, body: Members): string {
  const inner = members({ requestId: '59dbff89-35bd-4eac-99ed-be587EXAMPLE', ...body })
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${action}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">${inner}</${action}Response>`
}

/** An error of EC2's Query API ("Error codes for the Amazon EC2 API", example response). */
export function errorXml(code: string, message: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error><Code>${code}</Code><Message>${message}</Message></Error></Errors><RequestID>ea966190-f9aa-478e-9ede-example</RequestID></Response>`
}

export interface Ec2Request {
  action: string
  /** As on the wire, without action and version. */
  params: Record<string, string>
  /** How many requests of this action came before. */
  nth: number
}

/** What is answered: the members of the answer, or something that is no answer at all. */
export type Ec2Reply =
  | { body: Members }
  | { error: string; status: number; message?: string }
  | { raw: string; status?: number; type?: string; cut?: boolean }
  | 'silent'
  | 'reset'

export type Ec2Handler = (request: Ec2Request) => Ec2Reply | Promise<Ec2Reply>

export interface Ec2Server {
  url: string
  requests: Ec2Request[]
  authorizations: string[]
  /** The most requests that were under way at once. */
  mostAtOnce(): number
  close(): Promise<void>
}

/** A server on loopback that speaks EC2's Query protocol as far as the tests need it; no part of the lab. */
export async function startEc2Server(handlers: Record<string, Ec2Handler>): Promise<Ec2Server> {
  const requests: Ec2Request[] = []
  const authorizations: string[] = []
  const sockets = new Set<Socket>()
  let under = 0
  let most = 0
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let text = ''
    for await (const chunk of request) text += String(chunk)
    authorizations.push(String(request.headers.authorization))
    const {
      Action: action = '',
      Version: _version,
      ...params
    } = Object.fromEntries(new URLSearchParams(text))
    const nth = requests.filter((r) => r.action === action).length
    const asked = { action, params, nth }
    requests.push(asked)
    const handler = handlers[action]
    const reply: Ec2Reply =
      handler === undefined ? { error: 'InvalidAction', status: 400 } : await handler(asked)
    if (reply === 'silent') return
    if (reply === 'reset') return void request.socket.destroy()
    const send = (body: string, status: number, type = 'text/xml;charset=UTF-8'): void => {
      response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) })
      response.end(body)
    }
    if ('body' in reply) send(answerXml(action, reply.body), 200)
    else if ('error' in reply) send(errorXml(reply.error, reply.message ?? 'no'), reply.status)
    else if (reply.cut === true) {
      response.writeHead(200, {
        'content-type': 'text/xml',
        'content-length': Buffer.byteLength(reply.raw) + 100,
      })
      response.write(reply.raw, () => request.socket.destroy())
    } else send(reply.raw, reply.status ?? 200, reply.type)
  }
  const server = createServer((request, response) => {
    under++
    most = Math.max(most, under)
    void answer(request, response).finally(() => under--)
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    authorizations,
    mostAtOnce: () => most,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export const account = '111122223333'
export const vpc = 'vpc-0a000001'
const igw = 'igw-0a000001'
const nat = 'nat-0a00000000000001'
const s3List = 'pl-63a5400a'
const ownList = 'pl-0aaaaaaaaaaaaaaa1'

/** A small account: one VPC with a gateway endpoint, an interface endpoint, a NAT gateway and a list of its own. */
export const smallAccount: Record<string, Ec2Handler> = {
  DescribeRouteTables: () => ({
    body: {
      routeTableSet: [
        {
          routeTableId: 'rtb-0a000001',
          vpcId: vpc,
          ownerId: account,
          routeSet: [
            {
              destinationCidrBlock: '10.0.0.0/16',
              gatewayId: 'local',
              state: 'active',
              origin: 'CreateRouteTable',
            },
            { destinationCidrBlock: '0.0.0.0/0', natGatewayId: nat, state: 'active', origin: 'CreateRoute' },
            {
              destinationPrefixListId: s3List,
              gatewayId: 'vpce-0a000001',
              state: 'active',
              origin: 'CreateRoute',
            },
            { destinationPrefixListId: ownList, gatewayId: igw, state: 'active', origin: 'CreateRoute' },
          ],
          associationSet: [
            {
              routeTableAssociationId: 'rtbassoc-0a000001',
              routeTableId: 'rtb-0a000001',
              main: true,
              associationState: { state: 'associated' },
            },
          ],
          propagatingVgwSet: [],
          tagSet: [{ key: 'Name', value: 'a <b> & c' }],
        },
      ],
    },
  }),
  DescribeVpcEndpoints: () => ({
    body: {
      vpcEndpointSet: [
        {
          vpcEndpointId: 'vpce-0a000001',
          vpcEndpointType: 'Gateway',
          vpcId: vpc,
          serviceName: 'com.amazonaws.us-east-1.s3',
          state: 'available',
          routeTableIdSet: ['rtb-0a000001'],
          policyDocument: '{"Statement":[{"Action":"*","Effect":"Allow","Principal":"*","Resource":"*"}]}',
          ownerId: account,
          creationTimestamp: '2026-01-31T12:00:00Z',
        },
        {
          vpcEndpointId: 'vpce-0a000002',
          vpcEndpointType: 'Interface',
          vpcId: vpc,
          serviceName: 'com.amazonaws.us-east-1.ssm',
          state: 'available',
          privateDnsEnabled: true,
          networkInterfaceIdSet: ['eni-0a000002'],
          subnetIdSet: ['subnet-0a000001'],
          ownerId: account,
        },
      ],
    },
  }),
  DescribeSubnets: () => ({
    body: {
      subnetSet: [
        {
          subnetId: 'subnet-0a000001',
          vpcId: vpc,
          cidrBlock: '10.0.1.0/24',
          ownerId: account,
          availabilityZone: 'us-east-1a',
        },
      ],
    },
  }),
  DescribeNetworkInterfaces: () => ({
    body: {
      networkInterfaceSet: [
        {
          networkInterfaceId: 'eni-0a000001',
          vpcId: vpc,
          subnetId: 'subnet-0a000001',
          macAddress: '02:00:00:00:00:01',
          privateIpAddress: '10.0.1.50',
          privateIpAddressesSet: [{ privateIpAddress: '10.0.1.50', primary: true }],
          interfaceType: 'interface',
          status: 'in-use',
          ownerId: account,
          attachment: { attachTime: '2026-01-31T12:00:00.123Z', instanceId: 'i-0a000001', deviceIndex: 0 },
        },
        {
          networkInterfaceId: 'eni-0a000002',
          vpcId: vpc,
          subnetId: 'subnet-0a000001',
          macAddress: '02:00:00:00:00:02',
          privateIpAddress: '10.0.1.99',
          privateIpAddressesSet: [{ privateIpAddress: '10.0.1.99', primary: true }],
          interfaceType: 'vpc_endpoint',
          status: 'in-use',
          requesterManaged: true,
          ownerId: account,
        },
      ],
    },
  }),
  DescribeManagedPrefixLists: () => ({
    body: {
      prefixListSet: [
        {
          prefixListId: s3List,
          prefixListName: 'com.amazonaws.us-east-1.s3',
          ownerId: 'AWS',
          addressFamily: 'IPv4',
          state: 'create-complete',
        },
        {
          prefixListId: 'pl-02cd2c6b',
          prefixListName: 'com.amazonaws.us-east-1.dynamodb',
          ownerId: 'AWS',
          addressFamily: 'IPv4',
          state: 'create-complete',
        },
        {
          prefixListId: 'pl-3b927c52',
          prefixListName: 'com.amazonaws.global.cloudfront.origin-facing',
          ownerId: 'AWS',
          addressFamily: 'IPv4',
          state: 'create-complete',
        },
        {
          prefixListId: ownList,
          prefixListName: 'partners',
          ownerId: account,
          addressFamily: 'IPv4',
          state: 'modify-complete',
          version: 3,
        },
      ],
    },
  }),
  GetManagedPrefixListEntries: ({ params }) => ({
    body: {
      entrySet:
        {
          [s3List]: [{ cidr: '52.216.0.0/15' }],
          'pl-02cd2c6b': [{ cidr: '52.94.0.0/22' }],
          [ownList]: [{ cidr: '198.51.100.0/24', description: 'p' }],
        }[params['PrefixListId'] ?? ''] ?? [],
    },
  }),
  DescribeNatGateways: () => ({
    body: {
      natGatewaySet: [
        {
          natGatewayId: nat,
          vpcId: vpc,
          subnetId: 'subnet-0a000001',
          state: 'available',
          connectivityType: 'public',
          createTime: '2026-01-31T12:00:00.000Z',
          natGatewayAddressSet: [
            { privateIp: '10.0.1.7', publicIp: '198.51.100.7', networkInterfaceId: 'eni-0a000003' },
          ],
        },
      ],
    },
  }),
  DescribeVpcs: () => ({
    body: {
      vpcSet: [
        {
          vpcId: vpc,
          ownerId: account,
          cidrBlock: '10.0.0.0/16',
          cidrBlockAssociationSet: [{ cidrBlock: '10.0.0.0/16', cidrBlockState: { state: 'associated' } }],
        },
      ],
    },
  }),
  DescribeVpcPeeringConnections: ({ params }) => ({
    body: {
      vpcPeeringConnectionSet:
        params['Filter.1.Name'] === 'accepter-vpc-info.vpc-id'
          ? []
          : [
              {
                vpcPeeringConnectionId: 'pcx-0a000001',
                status: { code: 'active' },
                requesterVpcInfo: { vpcId: vpc, ownerId: account, cidrBlock: '10.0.0.0/16' },
                accepterVpcInfo: { vpcId: 'vpc-0b000001', ownerId: '444455556666', cidrBlock: '10.9.0.0/16' },
              },
            ],
    },
  }),
  DescribeFlowLogs: () => ({
    body: {
      flowLogSet: [
        {
          flowLogId: 'fl-0a000001',
          resourceId: vpc,
          flowLogStatus: 'ACTIVE',
          maxAggregationInterval: 60,
          trafficType: 'ALL',
        },
      ],
    },
  }),
  DescribeInternetGateways: () => ({
    body: {
      internetGatewaySet: [{ internetGatewayId: igw, attachmentSet: [{ vpcId: vpc, state: 'available' }] }],
    },
  }),
}

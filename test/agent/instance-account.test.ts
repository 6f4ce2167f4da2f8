/** Whose credentials are: the identity document of the instance tells it of those that its metadata service gives, of no others. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readSnapshot } from '../../agent/account/snapshot-child.ts'
import { account, smallAccount, startEc2Server, vpc } from '../support/ec2-server.ts'
import type { Ec2Server } from '../support/ec2-server.ts'
import { readerWithin } from '../support/reader-within.ts'

/** Its key is of account 029608264753. */
const credentials = {
  Code: 'Success',
  AccessKeyId: 'ASIAQNZGKIQY56JQ7WML',
  SecretAccessKey: 'abc',
  Token: 't',
  Expiration: '2099-01-01T00:00:00Z',
}

let ec2: Ec2Server
/** Answers as the metadata service, and as the credentials' endpoint of a container under /container. */
const server = createServer((request, response) => {
  if (request.method === 'PUT') return void response.end('a-token')
  response.end(request.url?.endsWith('/security-credentials/') ? 'role' : JSON.stringify(credentials))
})
let url = ''
beforeEach(async () => {
  ec2 = await startEc2Server(smallAccount)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(async () => {
  await ec2.close()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

async function read(instanceAccount: string | null, environment: Record<string, string>) {
  const { snapshot } = await readSnapshot(
    {
      region: 'us-east-1',
      vpcIds: [vpc],
      parts: 'rest',
      deadlineSeconds: 20,
      last: null,
      instanceAccount,
    },
    {
      program: readerWithin(),
      environment: {
        AWS_ENDPOINT_URL_EC2: ec2.url,
        AWS_CONFIG_FILE: '/dev/null',
        AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
        ...environment,
      },
      metadata: true,
      signal: new AbortController().signal,
      onLine: () => undefined,
    },
  )
  return { account: snapshot.account, peerings: snapshot.parts.peerings.read }
}

test.each<[string, string | null, () => Record<string, string>, string, boolean]>([
  ['the metadata service', account, () => ({ AWS_EC2_METADATA_SERVICE_ENDPOINT: url }), account, true],
  [
    'the metadata service, without a document',
    null,
    () => ({ AWS_EC2_METADATA_SERVICE_ENDPOINT: url }),
    '029608264753',
    false,
  ],
  [
    'the environment',
    account,
    () => ({ AWS_ACCESS_KEY_ID: credentials.AccessKeyId, AWS_SECRET_ACCESS_KEY: 'abc' }),
    '029608264753',
    false,
  ],
  [
    'a container',
    account,
    () => ({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url}/container` }),
    '029608264753',
    false,
  ],
])('credentials of %s', async (_, instance, environment, of, peerings) => {
  expect(await read(instance, environment())).toEqual({ account: of, peerings })
})

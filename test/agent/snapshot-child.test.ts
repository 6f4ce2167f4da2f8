import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createLog } from '../../agent/log.ts'
import type { ReaderDeps } from '../../agent/child.ts'
import { type ReadSnapshotOptions, readFiles, readSnapshot } from '../../agent/account/snapshot-child.ts'
import { accountOfAccessKey } from '../../aws/credentials.ts'
import { snapshotParts } from '../../model/topology.ts'
import { account, smallAccount, startEc2Server, vpc } from '../support/ec2-server.ts'
import type { Ec2Handler, Ec2Server } from '../support/ec2-server.ts'
import { compiled } from '../support/processes.ts'

const program = { file: process.execPath, args: [resolve(import.meta.dirname, '../../agent/main.ts')] }
const script = (text: string) => ({ file: process.execPath, args: ['--input-type=module', '-e', text, '--'] })
const secret = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'

let directory = ''
let server: Ec2Server | null = null
let lines: string[] = []
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pathproof-'))
  lines = []
})
afterEach(async () => {
  await server?.close()
  server = null
  await rm(directory, { recursive: true })
})

/** No credentials but those that are given, and no metadata service. */
const bare = (): Record<string, string | undefined> => ({
  PATH: process.env['PATH'],
  ...compiled,
  HOME: directory,
  AWS_EC2_METADATA_DISABLED: 'true',
})
const keys = {
  AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
  AWS_SECRET_ACCESS_KEY: secret,
  AWS_ACCOUNT_ID: account,
}

const deps = (
  environment: Record<string, string | undefined>,
  more: Partial<ReaderDeps> = {},
): ReaderDeps => ({
  program,
  environment: { ...bare(), ...environment },
  metadata: true,
  signal: new AbortController().signal,
  onLine: (line) => lines.push(line),
  ...more,
})

const options: ReadSnapshotOptions = {
  region: 'us-east-1',
  vpcIds: [vpc],
  parts: 'all',
  deadlineSeconds: 20,
  last: null,
}

async function serve(handlers: Record<string, Ec2Handler> = {}): Promise<string> {
  server = await startEc2Server({ ...smallAccount, ...handlers })
  return server.url
}

const unread = (snapshot: Awaited<ReturnType<typeof readSnapshot>>['snapshot']) =>
  snapshotParts.filter((part) => !snapshot.parts[part].read)

describe('a process of its own reads the account', () => {
  test('and gives it as plain data; what did not change is not sent again, with its new date', async () => {
    const url = await serve()
    const environment = { ...keys, AWS_ENDPOINT_URL_EC2: url }
    const first = await readSnapshot(options, deps(environment))
    expect(first.failures).toEqual([])
    expect(unread(first.snapshot)).toEqual([])
    expect(first.snapshot).toMatchObject({ account, region: 'us-east-1', source: 'EC2 API of us-east-1' })
    expect(first.snapshot.routeTables[0]?.routes.length).toBe(4)
    expect(lines).toEqual([])

    await server?.close()
    const again = await serve({
      DescribeSubnets: () => ({
        body: { subnetSet: [{ subnetId: 'subnet-0a000002', vpcId: vpc, cidrBlock: '10.0.2.0/24' }] },
      }),
    })
    const second = await readSnapshot(
      { ...options, parts: 'rest', last: first.snapshot },
      deps({ ...keys, AWS_ENDPOINT_URL_EC2: again }),
    )
    expect(second.failures).toEqual([])
    expect(second.snapshot.networkInterfaces).toBe(first.snapshot.networkInterfaces)
    expect(second.snapshot.subnets.map(({ id }) => id)).toEqual(['subnet-0a000002'])
    expect(second.snapshot.parts.routeTables).toMatchObject({ read: false, reason: 'missing' })
    // lists that routes refer to are read although the tables were not
    expect(second.snapshot.prefixLists.find(({ name }) => name === 'partners')?.entries).toEqual([
      '198.51.100.0/24',
    ])
    const [before, after] = [first, second].map(({ snapshot }) => snapshot.parts.networkInterfaces)
    expect(after?.read === true && before?.read === true && (after.atMs ?? 0) > (before.atMs ?? 0)).toBe(true)
  })

  test('nothing is said about anything without credentials, but what to do', async () => {
    const url = await serve()
    const { snapshot, failures } = await readSnapshot(options, deps({ AWS_ENDPOINT_URL_EC2: url }))
    expect(unread(snapshot)).toEqual([...snapshotParts])
    expect(new Set(failures.map(({ reason }) => reason))).toEqual(new Set(['credentials']))
    expect(failures[0]?.detail).toMatch(/^no AWS credentials were found/)
    expect(failures[0]?.nextStep).toMatch(/instance role.*AWS_PROFILE.*topology\.source: directory/)
    expect(server?.requests).toEqual([])
  })

  test('a program of the profile gives the credentials; one that fails gives none', async () => {
    const url = await serve()
    const helper = join(directory, 'credentials')
    const answer = {
      Version: 1,
      AccessKeyId: keys.AWS_ACCESS_KEY_ID,
      SecretAccessKey: secret,
      AccountId: account,
    }
    await writeFile(helper, `#!/bin/sh\ncat <<'EOF'\n${JSON.stringify(answer)}\nEOF\n`)
    await chmod(helper, 0o700)
    const config = join(directory, 'config')
    await writeFile(
      config,
      `[profile good]\ncredential_process = ${helper}\n[profile bad]\ncredential_process = /bin/false\n`,
    )
    const environment = { AWS_CONFIG_FILE: config, AWS_ENDPOINT_URL_EC2: url }
    const good = await readSnapshot(
      { ...options, parts: 'routeTables' },
      deps({ ...environment, AWS_PROFILE: 'good' }),
    )
    expect(good.failures).toEqual([])
    expect(good.snapshot.account).toBe(account)
    const bad = await readSnapshot(
      { ...options, parts: 'routeTables' },
      deps({ ...environment, AWS_PROFILE: 'bad' }),
    )
    expect(bad.failures).toMatchObject([{ part: 'routeTables', reason: 'credentials' }])
  })

  /** A metadata service that hands out credentials; to IMDSv1 as well, if it is asked that way. */
  async function metadataService(tokens: boolean): Promise<{ url: string; asked: string[]; close(): void }> {
    const asked: string[] = []
    const imds = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`)
      if (request.method === 'PUT')
        return void (tokens ? response.end('a-token') : response.writeHead(403).end())
      if (tokens && request.headers['x-aws-ec2-metadata-token'] !== 'a-token')
        return void response.writeHead(401).end()
      if (request.url?.endsWith('/security-credentials/')) return void response.end('role')
      const credentials = {
        Code: 'Success',
        AccessKeyId: 'ASIAQNZGKIQY56JQ7WML',
        SecretAccessKey: secret,
        Token: 't',
        Expiration: '2099-01-01T00:00:00Z',
      }
      response.end(JSON.stringify(credentials))
    })
    await new Promise<void>((done) => imds.listen(0, '127.0.0.1', done))
    const close = () => {
      imds.closeAllConnections()
      imds.close()
    }
    return { url: `http://127.0.0.1:${(imds.address() as AddressInfo).port}`, asked, close }
  }

  test('the instance’s role by IMDSv2, and whose it is by its key', async () => {
    const url = await serve()
    const imds = await metadataService(true)
    const environment = {
      AWS_ENDPOINT_URL_EC2: url,
      AWS_EC2_METADATA_SERVICE_ENDPOINT: imds.url,
      AWS_EC2_METADATA_DISABLED: undefined,
    }
    const { failures, snapshot } = await readSnapshot({ ...options, parts: 'routeTables' }, deps(environment))
    expect(failures).toEqual([])
    expect(snapshot.account).toBe('029608264753')
    imds.close()
  })

  test('never by IMDSv1, and not at all where the host has no metadata service', async () => {
    const url = await serve()
    const imds = await metadataService(false)
    const environment = {
      AWS_ENDPOINT_URL_EC2: url,
      AWS_EC2_METADATA_SERVICE_ENDPOINT: imds.url,
      AWS_EC2_METADATA_DISABLED: undefined,
    }
    const { failures } = await readSnapshot({ ...options, parts: 'routeTables' }, deps(environment))
    expect(failures).toMatchObject([{ reason: 'credentials' }])
    expect(imds.asked.filter((line) => line.startsWith('GET'))).toEqual([])
    const before = imds.asked.length
    await readSnapshot({ ...options, parts: 'routeTables' }, deps(environment, { metadata: false }))
    expect(imds.asked.length).toBe(before)
    imds.close()
  })

  test('the answers as they are, for a directory', async () => {
    const url = await serve({
      DescribeVpcs: () => ({ error: 'UnauthorizedOperation', status: 403, message: secret }),
    })
    const { files, failures } = await readFiles(options, deps({ ...keys, AWS_ENDPOINT_URL_EC2: url }))
    expect(files?.['describe-vpcs.json']?.refused?.reason).toBe('denied')
    expect(JSON.parse(files?.['describe-subnets.json']?.text ?? '')).toMatchObject({
      Subnets: [{ SubnetId: 'subnet-0a000001' }],
    })
    expect(failures.map(({ part }) => part)).toEqual(['vpcs', 'peerings'])
    expect(JSON.stringify([files, failures, lines])).not.toContain(secret)
  })
})

describe('a reader that goes wrong leaves every part unread', () => {
  const short = { graceSeconds: 0.5 }
  const noted = () =>
    `import { writeFileSync } from 'node:fs'; writeFileSync(${JSON.stringify(join(directory, 'pid'))}, String(process.pid));`
  const gone = async () => {
    const pid = Number(await readFile(join(directory, 'pid'), 'utf8'))
    expect(() => process.kill(pid, 0)).toThrow(/ESRCH/)
  }
  const read = (text: string, more: Partial<ReaderDeps> = {}, deadlineSeconds = 20) =>
    readSnapshot({ ...options, deadlineSeconds }, deps({}, { program: script(text), ...more }))

  test('killed at the deadline', async () => {
    const { snapshot, failures } = await read(`${noted()} setInterval(() => {}, 1000)`, short, 1)
    expect(unread(snapshot)).toEqual([...snapshotParts])
    expect(failures[0]).toMatchObject({
      reason: 'timeout',
      detail: expect.stringMatching(/not ended after 1\.5 s/),
    })
    await gone()
  })

  test('killed when the agent stops', async () => {
    const stop = new AbortController()
    const reading = read(`${noted()} console.error('here'); setInterval(() => {}, 1000)`, {
      signal: stop.signal,
    })
    await expect.poll(() => readFile(join(directory, 'pid'), 'utf8').catch(() => '')).not.toBe('')
    stop.abort()
    const { failures } = await reading
    expect(failures[0]?.detail).toMatch(/the agent stops/)
    await gone()
  })

  test.each([
    ['crashed', "throw new Error('no')", /ended with code 1/],
    [
      'killed by the kernel',
      "process.kill(process.pid, 'SIGKILL'); setInterval(() => {}, 1000)",
      /ended by SIGKILL/,
    ],
    ['no JSON', "console.log('hello')", /no answer of pathproof\.read-account\/1/],
    ['another JSON', "console.log('{}')", /no answer of/],
    ['cut off', 'console.log(\'{"schema":"pathproof.read-account/1","failures":[],"cal\')', /no answer of/],
    [
      'half a snapshot',
      'console.log(JSON.stringify({schema:"pathproof.read-account/1",failures:[],calls:[],unchanged:[],snapshot:{parts:{}}}))',
      /no answer of/,
    ],
    ['nothing', '', /no answer of/],
  ])('%s', async (_name, text, detail) => {
    const { snapshot, failures } = await read(text)
    expect(unread(snapshot)).toEqual([...snapshotParts])
    expect(failures.length).toBe(snapshotParts.length)
    expect(failures[0]).toMatchObject({ reason: 'failed', detail: expect.stringMatching(detail) })
  })

  test('one that writes without end', async () => {
    const text = `${noted()} const more = () => process.stdout.write('x'.repeat(65536), more); more()`
    const { failures } = await read(text, { mostBytes: 1024 * 1024 })
    expect(failures[0]).toMatchObject({
      reason: 'failed',
      detail: expect.stringMatching(/more than 1048576 bytes/),
    })
    await gone()
  })

  test('one that can’t be started', async () => {
    const { failures } = await readSnapshot(
      options,
      deps({}, { program: { file: join(directory, 'none'), args: [] } }),
    )
    expect(failures[0]).toMatchObject({
      reason: 'failed',
      detail: expect.stringMatching(/could not be started \(ENOENT\)/),
    })
  })

  test('what it says goes to the log, which redacts it; a flood is cut', async () => {
    const text = `console.error('Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/x\\u001b[31m'); console.error('x'.repeat(1e6)); process.exit(2)`
    await read(text)
    expect(lines[0]).toContain('Authorization')
    expect(lines.join('').length).toBeLessThanOrEqual(16 * 1024)
    let logged = ''
    const log = createLog({
      write: (line) => (logged += line),
      level: 'info',
      format: 'json',
      journal: false,
      wallMs: () => 0,
      monotonicMs: () => 0,
    })
    for (const line of lines) log.warn('account_reader', { line })
    expect(logged).not.toMatch(/AKIA|\u001b/)
  })
})

test('the account in an access key id', () => {
  // published with the account that it belongs to
  expect(accountOfAccessKey('ASIAQNZGKIQY56JQ7WML')).toBe('029608264753')
  for (const none of ['', 'AKIA', 'AKIA0189018901890189', 'AIDAQNZGKIQY56JQ7WML', 'ASIAQNZGKIQY56JQ7WMLA']) {
    expect(accountOfAccessKey(none)).toBeNull()
  }
})

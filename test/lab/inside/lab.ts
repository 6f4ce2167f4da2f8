/**
 * Runs inside the namespaces, started by namespace.test.ts: starts a scenario, looks at it by the machine's ordinary
 * means only (getaddrinfo, TLS, curl, sockets), and writes what it saw to the file given.
 * `node lab.ts RESULT-FILE SCENARIO STEP|- HOSTNAME|ADDRESS[,SOURCE]…`
 */
import { execFile } from 'node:child_process'
import { Resolver, lookup } from 'node:dns/promises'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect as connectTcp } from 'node:net'
import { connect } from 'node:tls'
import { promisify } from 'node:util'
import { startLab, type Lab } from '../../../lab/lab.ts'
import { insideNamespace } from '../../../lab/namespace.ts'
import { loadScenario } from '../../../lab/scenario.ts'

const [file = '', scenario = '', step = '-', ...destinations] = process.argv.slice(2)

function tcp(address: string, port: number, localAddress?: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connectTcp({
      host: address,
      port,
      ...(localAddress === undefined ? {} : { localAddress }),
    })
    const say = (what: string) => {
      resolve(what)
      socket.destroy()
    }
    socket.once('connect', () => say(`connected from ${socket.localAddress}`))
    socket.once('error', (error: NodeJS.ErrnoException) => say(error.code ?? ''))
    socket.setTimeout(400, () => say('silence'))
  })
}

function tls(address: string, servername: string, ca: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port: 443, servername, ca, timeout: 2000 })
    const say = (what: string) => {
      resolve(what)
      socket.destroy()
    }
    socket.once('secureConnect', () => say(`${socket.remoteAddress} verified from ${socket.localAddress}`))
    socket.once('error', (error: NodeJS.ErrnoException) => say(error.code ?? ''))
    socket.once('timeout', () => say('silence'))
  })
}

async function look(lab: Lab) {
  const ca = readFileSync(lab.caFile, 'utf8')
  const seen: Record<string, unknown> = {}
  for (const each of destinations) {
    const [name = '', source] = each.split(',')
    if (/^[0-9a-f:.]+$/u.test(name)) {
      seen[each] = await tcp(name, 443, source)
      continue
    }
    try {
      const answers = await lookup(name, { all: true })
      seen[each] = await Promise.all(answers.map(({ address }) => tls(address, name, ca)))
    } catch (error) {
      seen[each] = error instanceof Error && 'code' in error ? error.code : String(error)
    }
  }
  return seen
}

async function curl(lab: Lab, hostname: string): Promise<string> {
  const args = ['-sS', '-o', '/dev/null', '-w', '%{http_code} %{remote_ip} %{ssl_verify_result}', '-m', '5']
  try {
    // not the synchronous form: the servers are in this process
    const run = promisify(execFile)
    return (await run('curl', [...args, '--cacert', lab.caFile, `https://${hostname}/`])).stdout
  } catch (error) {
    return String(error)
  }
}

async function metadata(): Promise<string> {
  const base = 'http://169.254.169.254/latest'
  const headers = { 'X-aws-ec2-metadata-token-ttl-seconds': '60' }
  const token = await (await fetch(`${base}/api/token`, { method: 'PUT', headers })).text()
  const answer = await fetch(`${base}/meta-data/instance-id`, {
    headers: { 'X-aws-ec2-metadata-token': token },
  })
  return answer.text()
}

const inside = await insideNamespace(process.env)
const lab = await startLab(await loadScenario(scenario), {
  mode: 'namespace',
  clock: { wallMs: () => Date.now() },
  timed: false,
})
const before = await look(lab)
if (step !== '-') await lab.apply(step)
const corp = new Resolver({ timeout: 1000, tries: 1 })
corp.setServers(['192.168.53.53'])
const result = {
  listen: inside?.listen ?? null,
  before,
  after: step === '-' ? null : await look(lab),
  curl: await curl(lab, 'ssm.us-east-1.amazonaws.com'),
  metadata: await metadata(),
  vpcAnswers: (await lookup('ssm.us-east-1.amazonaws.com', { all: true })).map(({ address }) => address),
  corpAnswers: await corp.resolve4('ssm.us-east-1.amazonaws.com'),
}
await lab.close()
writeFileSync(file, JSON.stringify(result))
process.exit(0)

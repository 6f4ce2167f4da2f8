/** A launcher of its own, so that a test can kill it: `node launcher.ts COMMAND ARGUMENT…`. */
import { runInNamespace } from '../../../lab/namespace.ts'

const [command = '', ...rest] = process.argv.slice(2)
process.exitCode = await runInNamespace({
  command: [command, ...rest],
  environment: process.env,
  listen: { host: '127.0.0.1', port: 0 },
  nameServers: ['10.0.0.2'],
  signals: process,
})

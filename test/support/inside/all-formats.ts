// Makes a report of a ledger in every format, one JSON line each: format, exit code, bytes, hash.
// Arguments: the directory, the verifier key, the beginning of the period.
import { createHash } from 'node:crypto'
import { reportCommand } from '../../../agent/cli/report.ts'
import { say } from '../io.ts'

const [, , directory = '', key = '', from = ''] = process.argv
for (const format of ['html', 'json', 'csv', 'oscal', 'ocsf']) {
  const argv = ['--format', format, '--key', key, '--from', from, directory]
  const { code, stdout, stderr } = await say((io) => reportCommand(argv, io))
  const sha256 = createHash('sha256').update(stdout).digest('hex')
  console.log(JSON.stringify({ format, code, bytes: Buffer.byteLength(stdout), sha256, stderr }))
}

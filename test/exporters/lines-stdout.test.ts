import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { root } from '../support/processes.ts'

const program = `
import { fstatSync } from 'node:fs'
import { createLines } from ${JSON.stringify(join(root, 'exporters', 'lines.ts'))}
const lines = createLines({ stdout: true }, (seconds) => new Promise((end) => setTimeout(end, seconds * 1000)))
const signal = new AbortController().signal
await lines.append(Buffer.from('{"n":1}\\n'), signal)
await lines.append(Buffer.alloc(1_000_000, 'x').fill('\\n', 999_999), signal)
await lines.append(Buffer.from(JSON.stringify({ socket: fstatSync(1).isSocket() }) + '\\n'), signal)
await lines.close()
`

it('lines go to a standard output that is a socket, as under systemd', async () => {
  // Node makes the pipes of a child as pairs of sockets.
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [first, second, third] = (await text(child.stdout)).split('\n')
  expect(first).toBe('{"n":1}')
  expect(second).toHaveLength(999_999)
  expect(third).toBe('{"socket":true}')
})

/** Runs inside the namespaces: serves HTTP on the listener that was handed in, says which signal ends it, and exits with 7. */
import { appendFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { insideNamespace } from '../../../lab/namespace.ts'

const [log = '', ready = ''] = process.argv.slice(2)
const inside = await insideNamespace(process.env)
if (inside === null || inside.listen === null) throw new Error('not inside')
const end = (why: string): void => {
  appendFileSync(log, `${why}\n`)
  process.exit(7)
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => end(signal))
inside.launcherGone.addEventListener('abort', () => end('launcher gone'))
const server = createServer((_request, response) => response.end(`inside, pid ${process.pid}`))
server.listen({ fd: inside.listen.descriptor }, () => {
  appendFileSync(ready, JSON.stringify({ ...inside.listen, pid: process.pid }))
})

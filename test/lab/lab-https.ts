import { readFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect } from 'node:tls'
import type { Lab } from '../../lab/lab.ts'
import type { HostAccess } from '../../model/host.ts'

/** A connection of the lab's host to an address of its world, with TLS for a name. */
export function dialTls(lab: Lab, address: string, servername: string) {
  const real: Partial<HostAccess> = { environment: {} }
  const { dial } = lab.hostAccess(real as HostAccess)
  const { socket, local } = dial({
    address,
    port: 443,
    family: address.includes(':') ? 6 : 4,
    localAddress: null,
  })
  const tls = connect({ socket, servername, ca: readFileSync(lab.caFile, 'utf8') })
  return { tls, local, hangUp: () => socket.destroy() }
}

interface Question {
  method: string
  hostname: string
  path: string
  query?: Record<string, string | string[] | null>
  headers: Record<string, string>
  body?: string | Uint8Array
}

/** For AWS's clients: every request goes to this address, on one connection for each. */
export function handlerTo(lab: Lab, address: string) {
  return {
    handle: async (question: Question) => {
      const { method, hostname, path, query = {}, headers, body } = question
      const text = Object.entries(query)
        .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(String(value ?? ''))}`)
        .join('&')
      const { tls } = dialTls(lab, address, hostname)
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        const sent = httpsRequest({
          method,
          path: text === '' ? path : `${path}?${text}`,
          headers: { ...headers, host: hostname, connection: 'close' },
          createConnection: () => tls,
        })
        sent.on('response', resolve)
        sent.on('error', reject)
        sent.end(body)
      })
      return {
        response: {
          statusCode: response.statusCode ?? 0,
          reason: response.statusMessage,
          headers: response.headers as Record<string, string>,
          body: response,
        },
      }
    },
  }
}

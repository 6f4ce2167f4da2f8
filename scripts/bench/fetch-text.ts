import { Agent, get } from 'node:http'

const agent = new Agent({ keepAlive: true, maxSockets: 200 })

/** The body of an answer, whatever its status, over a connection that is kept. Rejects where there is none. */
export function fetchText(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, { agent }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (piece: string) => {
        text += piece
      })
      response.once('end', () => resolve(text))
    }).once('error', reject)
  })
}

/** How an answer of the APIs goes out, whole or broken. */
import type { ServerResponse } from 'node:http'
import type { Breaking } from './faults.ts'

export interface Sent {
  status: number
  body: string
  type: string
  requestId: string
  /** Unix milliseconds, for `Date`. */
  nowMs: number
  /** For `Server`. */
  server: string
}

const webPage =
  '<!DOCTYPE html>\n<html><head><title>Sign in to the network</title></head><body><h1>Please sign in</h1></body></html>\n'

/** Sends an answer, broken as asked. */
export function deliver(response: ServerResponse, answer: Sent, breaking: Breaking | null): void {
  // a portal does not read what it stands in front of
  if (breaking === 'html') {
    response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', 'Content-Length': webPage.length })
    response.end(webPage)
  } else if (answer.status !== 200) {
    send(response, answer)
  } else if (breaking === 'half') {
    head(response, answer)
    response.write(halfOf(answer.body), () => response.socket?.destroy())
  } else {
    const body = breaking === 'empty' ? '' : breaking === 'truncated' ? halfOf(answer.body) : answer.body
    send(response, { ...answer, body })
  }
}

function halfOf(text: string): string {
  return text.slice(0, Math.ceil(text.length / 2))
}

function head(response: ServerResponse, { status, body, type, requestId, nowMs, server }: Sent): void {
  response.sendDate = false
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    Date: new Date(nowMs).toUTCString(),
    Server: server,
    'x-amzn-RequestId': requestId,
  })
}

export function send(response: ServerResponse, answer: Sent): void {
  head(response, answer)
  response.end(answer.body)
}

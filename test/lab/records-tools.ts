import { afterEach } from 'vitest'
import { startWith } from './api-client.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
})

/** A lab on a clock of its own, and what AWS's clients need to ask it. It ends with the test. */
export async function startRecords(yaml: string) {
  let nowMs = Date.now()
  const lab = await startWith(yaml, () => nowMs)
  closers.push(() => lab.close())
  const at = (url: string | null) => ({
    region: 'us-east-1',
    endpoint: String(url),
    credentials: lab.apiCredentials(),
    maxAttempts: 1,
  })
  return {
    lab,
    now: () => nowMs,
    wait: (seconds: number): void => void (nowMs += seconds * 1000),
    /** For clients of all services but S3; signed on the lab's clock. */
    api: () => ({ ...at(lab.apiUrl), systemClockOffset: nowMs - Date.now() }),
    s3: () => ({ ...at(lab.s3Url), systemClockOffset: nowMs - Date.now() }),
    keep: <Client extends { destroy(): void }>(client: Client): Client => {
      closers.push(() => client.destroy())
      return client
    },
    closing: (close: () => unknown): void => void closers.push(close),
    /** One whole connection of the host, now. */
    connect: (destination: string, sourcePort = 40_000): void => {
      const packet = { source: '10.0.1.50', destination, port: 443 }
      lab.records.recorder.opened(packet, sourcePort, () => ({ read: 500, written: 4000 })).closed()
    },
  }
}

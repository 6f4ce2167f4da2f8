/** Prometheus' remote write 1.0: protobuf by hand, in a snappy block that holds literals only. */

export interface Series {
  labels: Readonly<Record<string, string>>
  value(atMs: number): number
}

function varint(value: number): number[] {
  const bytes: number[] = []
  for (; value >= 0x80; value = Math.floor(value / 0x80)) bytes.push((value % 0x80) | 0x80)
  return [...bytes, value]
}

/** Field `number` of wire type 2. */
function field(number: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...varint(content.length)]), content])
}

/** The labels of a series, sorted by name as Prometheus wants them; to be kept, for they are sent again and again. */
export function encodeLabels(labels: Readonly<Record<string, string>>): Buffer {
  return Buffer.concat(
    Object.entries(labels)
      .filter(([, value]) => value !== '')
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) =>
        field(1, Buffer.concat([field(1, Buffer.from(name)), field(2, Buffer.from(value))])),
      ),
  )
}

/** Snappy's block format (format_description.txt): the length, then literals of at most 65,536 bytes. */
export function snappyLiterals(plain: Buffer): Buffer {
  const parts: Buffer[] = [Buffer.from(varint(plain.length))]
  for (let at = 0; at < plain.length; at += 65_536) {
    const piece = plain.subarray(at, at + 65_536)
    const length = piece.length - 1
    parts.push(Buffer.from([61 << 2, length & 255, length >> 8]), piece)
  }
  return Buffer.concat(parts)
}

const sampleLength = 18

/** The body of one request: of each series its samples, oldest first. Labels by `encodeLabels`; times before 2109. */
export function encodeWrite(
  series: readonly { labels: Buffer; samples: readonly (readonly [value: number, atMs: number])[] }[],
): Buffer {
  const most = series.reduce((sum, one) => sum + 8 + one.labels.length + one.samples.length * sampleLength, 0)
  const plain = Buffer.allocUnsafe(most)
  let at = 0
  const write = (bytes: readonly number[]) => {
    for (const byte of bytes) plain[at++] = byte
  }
  for (const { labels, samples } of series) {
    write([(1 << 3) | 2, ...varint(labels.length + samples.length * sampleLength)])
    at += labels.copy(plain, at)
    for (const [value, atMs] of samples) {
      // field 2: a double as field 1, milliseconds in six bytes as field 2
      write([(2 << 3) | 2, sampleLength - 2, (1 << 3) | 1])
      at = plain.writeDoubleLE(value, at)
      write([2 << 3])
      for (let rest = atMs, i = 0; i < 6; i++, rest = Math.floor(rest / 0x80))
        plain[at++] = (rest % 0x80) | (i < 5 ? 0x80 : 0)
    }
  }
  return snappyLiterals(plain.subarray(0, at))
}

/** Throws where the receiver does not take it. */
export async function remoteWrite(url: string, body: Buffer): Promise<void> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-protobuf',
      'content-encoding': 'snappy',
      'x-prometheus-remote-write-version': '0.1.0',
    },
    body: new Uint8Array(body),
  })
  const said = await answer.text()
  if (!answer.ok) throw new Error(`remote write: ${answer.status} ${said.slice(0, 300)}`)
}

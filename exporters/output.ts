/** UTF-8 written into one buffer as it comes: joining megabytes at the end would hold the loop for milliseconds. */
export function createOutput(roughBytes: number): {
  write(text: string): void
  copy(bytes: Buffer): void
  bytes(): Buffer
} {
  let buffer = Buffer.allocUnsafeSlow(roughBytes + 65_536)
  let length = 0
  const makeRoom = (bytes: number): void => {
    if (buffer.length - length >= bytes) return
    const larger = Buffer.allocUnsafeSlow(Math.max(buffer.length * 2, length + bytes))
    buffer.copy(larger, 0, 0, length)
    buffer = larger
  }
  return {
    write(text) {
      // A UTF-16 unit takes at most three bytes.
      makeRoom(text.length * 3)
      length += buffer.write(text, length, 'utf8')
    },
    copy(bytes) {
      makeRoom(bytes.length)
      length += bytes.copy(buffer, length)
    },
    bytes: () => buffer.subarray(0, length),
  }
}

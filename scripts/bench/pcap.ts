/**
 * Reads what tcpdump wrote (pcap-savefile(5), nanosecond or microsecond time stamps, Ethernet) and says of each connection to
 * port 443 when its packets passed the wire. Only what is needed here: IPv4, no fragments.
 */
export interface Wire {
  port: number
  /** Unix milliseconds of the SYN. */
  atMs: number
  /** SYN to SYN/ACK. */
  tcpMs: number | null
  /** First byte of the ClientHello to the last packet of the server's flight that ends with its Finished. */
  tlsMs: number | null
}

interface Open extends Wire {
  helloMs: number | null
  serverMs: number | null
  done: boolean
}

export function readWire(file: Buffer): Wire[] {
  const magic = file.readUInt32LE(0)
  const nano = magic === 0xa1b23c4d
  if (!nano && magic !== 0xa1b2c3d4) throw new Error('not a little-endian pcap file')
  const open = new Map<number, Open>()
  const all: Open[] = []
  for (let at = 24; at + 16 <= file.length; ) {
    const ms = file.readUInt32LE(at) * 1000 + file.readUInt32LE(at + 4) / (nano ? 1e6 : 1e3)
    const kept = file.readUInt32LE(at + 8)
    const packet = file.subarray(at + 16, at + 16 + kept)
    at += 16 + kept
    if (packet.length < 54 || packet.readUInt16BE(12) !== 0x0800 || packet[23] !== 6) continue
    const header = ((packet[14] ?? 0) & 15) * 4
    const tcp = packet.subarray(14 + header)
    const payload = packet.readUInt16BE(16) - header - ((tcp[12] ?? 0) >> 4) * 4
    const flags = tcp[13] ?? 0
    const out = tcp.readUInt16BE(2) === 443
    const port = tcp.readUInt16BE(out ? 0 : 2)
    if (out && (flags & 0x12) === 0x02) {
      // a repeated SYN belongs to the first
      if (open.get(port)?.tcpMs === null) continue
      const wire = { port, atMs: ms, tcpMs: null, tlsMs: null, helloMs: null, serverMs: null, done: false }
      open.set(port, wire)
      all.push(wire)
      continue
    }
    const wire = open.get(port)
    if (wire === undefined || wire.done) continue
    if (!out && (flags & 0x12) === 0x12) wire.tcpMs ??= ms - wire.atMs
    if (payload <= 0) continue
    if (out && wire.helloMs === null) wire.helloMs = ms
    else if (out && wire.serverMs !== null && wire.helloMs !== null) {
      wire.tlsMs = wire.serverMs - wire.helloMs
      wire.done = true
    } else if (!out) wire.serverMs = ms
  }
  return all.map(({ port, atMs, tcpMs, tlsMs }) => ({ port, atMs, tcpMs, tlsMs }))
}

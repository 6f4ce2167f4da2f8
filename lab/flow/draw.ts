/** Choices that depend on what is chosen for and on nothing else, so that asking twice or in another order changes none. */

/** In [0, 1), by FNV-1a over the parts and the finish of MurmurHash3. */
export function draw(seed: number, ...parts: (string | number)[]): number {
  let hash = 0x811c9dc5 ^ seed
  const text = parts.join('\u0000')
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
}

/** A port of the ephemeral range that NAT gateways and clients take theirs from: 1024 + n or 32768 + n. */
export function drawPort(lowest: 1024 | 32_768, seed: number, ...parts: (string | number)[]): number {
  return lowest + Math.floor(draw(seed, ...parts) * (65_536 - lowest))
}

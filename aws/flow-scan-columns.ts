/** Where the columns of a line begin and end: four bytes at a time, for there are far fewer blanks than bytes. */
export interface ColumnSplitter {
  /** Of each column, the first byte. One more than the format has, so that too many are seen. */
  starts: Int32Array
  /** Of each column, the byte behind its last. */
  ends: Int32Array
  /** Finds the columns between runs of spaces in `[from, to)` and answers how many there are, also beyond those kept. */
  split(from: number, to: number): number
}

const littleEndian = new Uint8Array(new Int32Array([1]).buffer)[0] === 1
const spaces = 0x20202020
const low = 0x7f7f7f7f

/** `data` begins at a multiple of four in its memory, and has a length of such. */
export function columnSplitter(data: Uint8Array, fieldCount: number): ColumnSplitter {
  const words = new Int32Array(data.buffer, data.byteOffset, data.length >> 2)
  const starts = new Int32Array(fieldCount + 1)
  const ends = new Int32Array(fieldCount + 1)
  return {
    starts,
    ends,
    split(from, to) {
      let columns = 0
      let start = from
      const last = (to + 3) >> 2
      for (let word = from >> 2; word < last; word++) {
        // The high bit of every byte that is a space, and of no other (Hacker's Delight, section 6-1).
        const x = (littleEndian ? words[word]! : swapped(words[word]!)) ^ spaces
        let found = ~(((x & low) + low) | x | low)
        while (found !== 0) {
          const at = (word << 2) + ((31 - Math.clz32(found & -found)) >> 3)
          found &= found - 1
          // Outside the line, in its first or last word.
          if (at < start) continue
          if (at >= to) break
          if (at > start) {
            if (columns <= fieldCount) {
              starts[columns] = start
              ends[columns] = at
            }
            columns++
          }
          start = at + 1
        }
      }
      if (start < to) {
        if (columns <= fieldCount) {
          starts[columns] = start
          ends[columns] = to
        }
        columns++
      }
      return columns
    },
  }
}

function swapped(word: number): number {
  return (word >>> 24) | ((word >>> 8) & 0xff00) | ((word & 0xff00) << 8) | (word << 24)
}

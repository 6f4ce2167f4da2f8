/** Work that may take long is done in parts, between turns of the event loop; whatever comes meanwhile waits, in its order. */
export interface Turns {
  /** Now, or behind what is being done and what waits already. What is done later and throws is told to `failed`. */
  inOrder(act: () => void): void
  /** Only as the last thing of an `act`: its first part is done at once, each further one after a turn. */
  begin(parts: Iterator<unknown>): void
  /** All that is being done and all that waits, at once. */
  finish(): void
}

/** @param turn calls back after a turn of the event loop; null: everything is done at once */
export function createTurns(
  turn: ((fn: () => void) => void) | null,
  failed: (error: unknown) => void,
): Turns {
  let work: Iterator<unknown> | null = null
  const waiting: (() => void)[] = []

  const guarded = (act: () => void): void => {
    try {
      act()
    } catch (error) {
      failed(error)
    }
  }

  /** A part that throws was the last one. */
  const part = (parts: Iterator<unknown>): void => {
    let done: boolean | undefined = true
    try {
      done = parts.next().done
    } finally {
      if (done === true) work = null
    }
  }

  const goOn = (): void => {
    while (work === null) {
      const act = waiting.shift()
      if (act === undefined) return
      guarded(act)
    }
  }

  const later = (parts: Iterator<unknown>): void =>
    turn?.(() => {
      if (work !== parts) return
      guarded(() => part(parts))
      if (work === parts) later(parts)
      else goOn()
    })

  return {
    inOrder(act) {
      if (work !== null || waiting.length > 0) waiting.push(act)
      else act()
    },
    begin(parts) {
      work = parts
      part(parts)
      while (turn === null && work === parts) part(parts)
      if (work === parts) later(parts)
    },
    finish() {
      for (;;) {
        const parts = work
        if (parts !== null) guarded(() => part(parts))
        else if (waiting.length > 0) goOn()
        else return
      }
    },
  }
}

/** All parts one after the other, and what they come to. */
export function atOnce<T>(parts: Generator<unknown, T>): T {
  for (;;) {
    const { done, value } = parts.next()
    if (done === true) return value
  }
}

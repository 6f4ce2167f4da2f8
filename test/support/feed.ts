/** Things that happen one after the other, and tests that wait for one of them. */
export interface Feed<T> {
  readonly items: T[]
  push(item: T): void
  /** No more will come: whoever still waits fails with `why`. */
  end(why: string): void
  /** Resolves with what `find` gives, as soon as that is something. Looks at once and after each item. */
  until<R>(
    what: string,
    find: (items: readonly T[]) => R | null | undefined | false,
    seconds?: number,
  ): Promise<R>
}

export function createFeed<T>(show: (items: readonly T[]) => string): Feed<T> {
  const items: T[] = []
  const waiters = new Set<() => void>()
  let ended: string | null = null
  const wake = (): void => {
    for (const waiter of [...waiters]) waiter()
  }
  return {
    items,
    push(item) {
      items.push(item)
      wake()
    },
    end(why) {
      ended = why
      wake()
    },
    until(what, find, seconds = 15) {
      return new Promise((resolve, reject) => {
        const fail = (why: string): void => {
          done()
          reject(new Error(`waited for ${what}: ${why}\n${show(items)}`))
        }
        const timer = setTimeout(() => fail(`not within ${seconds} s`), seconds * 1000)
        const look = (): void => {
          const found = find(items)
          if (found !== null && found !== undefined && found !== false) {
            done()
            resolve(found)
          } else if (ended !== null) fail(ended)
        }
        const done = (): void => {
          clearTimeout(timer)
          waiters.delete(look)
        }
        waiters.add(look)
        look()
      })
    },
  }
}

import type { TimerClock } from './clock.ts'
import type { Daemon } from './daemon-types.ts'
import type { Log } from './log.ts'
import { type NotifyDeps, createNotifier } from './notify.ts'
import { startWatchdog } from './watchdog.ts'

export interface ServiceDeps extends NotifyDeps {
  clock: TimerClock
  log: Log
}

/** The agent as a service manager sees it. */
export interface Service {
  /** Tells that the daemon serves, and feeds the watchdog from now on. Gives back the daemon with reloads that are told as well. */
  started(daemon: Daemon): Daemon
  stopping(): void
  /** Resolves when all that was told is delivered or lost. */
  settled(): Promise<void>
}

const states = ['public', 'mixed', 'undetermined', 'blocked', 'private'] as const

/** The line for `systemctl status`: how many targets stand how. */
export function statusLine(daemon: Pick<Daemon, 'verdicts' | 'address'>): string {
  const verdicts = daemon.verdicts()
  const counted = states
    .map((state) => ({ state, count: verdicts.filter((verdict) => verdict.state === state).length }))
    .filter(({ count }) => count > 0)
    .map(({ state, count }) => `${count} ${state}`)
  const told = counted.length === 0 ? 'no verdict yet' : `targets: ${counted.join(', ')}`
  return `${told}; serving ${daemon.address.host}:${daemon.address.port}`
}

export function createService(deps: ServiceDeps): Service {
  const notifier = createNotifier(deps)
  let end = (): void => undefined
  return {
    started(daemon) {
      const status = (): string => statusLine(daemon)
      notifier.ready(status())
      end = startWatchdog({
        environment: deps.environment,
        pid: deps.pid,
        notifier,
        clock: deps.clock,
        progress: daemon.progress,
        status,
        onStandstill: (because) => deps.log.error('standstill', { because }),
      })
      if (notifier.way() !== 'none') deps.log.debug('service_manager', { way: notifier.way() })
      return {
        ...daemon,
        async reload() {
          notifier.reloading()
          const done = await daemon.reload()
          notifier.ready(done.ok ? status() : `reload refused, the old configuration stays; ${status()}`)
          return done
        },
      }
    },
    stopping() {
      end()
      notifier.stopping()
    },
    settled: notifier.settled,
  }
}

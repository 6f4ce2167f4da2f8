/**
 * A process that takes the lock of a directory, says so, and holds it until it is killed:
 *
 *     node test/ledger/lock-life.ts DIRECTORY
 */
import { realFiles } from '../../ledger/files.ts'
import { realLockHost } from '../../ledger/lock-host.ts'
import { takeLock } from '../../ledger/lock.ts'

const now = { monotonicMs: 0, growth: '', sighting: null }
const taken = await takeLock(realFiles(), `${process.argv[2]}/lock`, await realLockHost('boot-1'), now)
process.stdout.write(`${taken.ok ? 'taken' : taken.text}\n`)
if (taken.ok) setInterval(() => undefined, 60_000)

import { isFull } from '../../ledger/ballast.ts'
import type { LedgerEvent } from '../../ledger/types.ts'
import type { Anchors } from './anchors.ts'
import type { Log } from '../log.ts'

export interface LedgerEventsDeps {
  log: Log
  anchors: Anchors | null
  /** Whether there is a key: without one, that no checkpoint can be made is no news. */
  signed: boolean
  /** It can be written again after a time in which it could not. */
  resumed(): void
  /** Its disk is full. */
  full?(): void
}

/** What happens to the ledger goes into the log and to the anchors. */
export function createLedgerEvents({ log, anchors, signed, resumed, full }: LedgerEventsDeps) {
  return (event: LedgerEvent): void => {
    anchors?.happened(event)
    switch (event.type) {
      case 'opened':
        log.info('ledger_opened', { records: event.records, recovered: event.recovered })
        break
      case 'suspended':
        log.error('ledger_suspended', { code: event.code, problem: event.text })
        if (isFull(event.code)) full?.()
        break
      case 'resumed':
        log.warn('ledger_resumed', { lost: event.lost, late: event.late })
        resumed()
        break
      case 'checkpoint':
        log.debug('ledger_checkpoint', { size: event.size })
        break
      case 'checkpoint_failed':
        if (signed) log.warn('ledger_checkpoint_failed', { problem: event.text })
        break
      case 'sealed':
        log.debug('ledger_sealed', { first: event.segment.first })
        break
      case 'pruned':
        log.info('ledger_pruned', { through: event.through })
        break
      case 'handover':
        if (event.text === null) log.info('ledger_key_handed_over')
        else log.error('ledger_key_not_handed_over', { problem: event.text })
        break
      case 'damage':
        log.error('ledger_damage', { what: event.what, first: event.first, end: event.end })
        break
      case 'upkeep_failed':
        log.warn('ledger_upkeep_failed', { code: event.code, problem: event.text })
        break
    }
  }
}

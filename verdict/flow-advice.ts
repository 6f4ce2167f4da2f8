import { lacking, printFlowFormat } from '../aws/flow-format.ts'
import { fieldsWanted } from '../aws/flow-fields.ts'

export interface FormatAdvice {
  /** Deciding fields that the format does not have, those without which nothing joins first. */
  lacking: { field: string; decides: string }[]
  /** The format to create a flow log with, for one can't be changed. */
  ask: string
}

/** What a flow log with these fields can't decide, and the format that can. `formatFields`: AWS's names. */
export function formatAdvice(formatFields: readonly string[]): FormatAdvice {
  const format = { kind: 'vpc' as const, fields: [...formatFields], text: printFlowFormat(formatFields) }
  return {
    lacking: lacking(format)
      .filter(({ weight }) => weight !== 'detail')
      .map(({ field, decides }) => ({ field, decides })),
    ask: printFlowFormat(fieldsWanted),
  }
}

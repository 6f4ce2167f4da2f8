/** Operating system commands, device control and the like: an introducer, any text, a terminator (ECMA-48 5.6, 8.3.89). */
const stringSequences =
  /(?:\u001B[\]P^_X]|[\u009D\u0090\u009E\u009F\u0098])[^\u0007\u001B\u009C]*(?:\u0007|\u001B\\|\u009C)/g
/** Control sequences (colours, cursor movement): introducer, parameters, intermediates, one final character (ECMA-48 5.4). */
const controlSequences = /(?:\u001B\[|\u009B)[0-?]*[ -/]*[@-~]/g
/** Two- and three-character escapes such as "reset" and "select character set". */
const shortEscapes = /\u001B[ -/]*[0-~]/g
const lineBreaks = /[\t\n\v\f\r\u0085\u2028\u2029]+/g
const controls = /[\u0000-\u001F\u007F-\u009F]/g
/** Characters that show nothing or turn the direction of what follows: two different texts would look the same. */
const invisible = /\p{Default_Ignorable_Code_Point}|\p{Bidi_Control}|[\uFFF9-\uFFFB]/gu
const loneSurrogates = /[\uD800-\uDFFF]/gu

/** Longer input is cut before it is looked at, so that no remote text can cost much. */
const maxInput = 1_048_576

/**
 * Any remote text (certificate fields, DNS answers, AWS messages, file contents) made safe for a terminal, a log line
 * or a page: no control characters, no ANSI or OSC sequences, no bidirectional or zero-width characters, no lone
 * surrogates, one line, at most `maxLength` UTF-16 units (an ellipsis marks the cut). HTML still has to be escaped.
 * An `Error` gives its message, `null` and `undefined` the empty string. Never throws.
 */
export function safeText(text: unknown, maxLength = 200): string {
  const limit = Number.isFinite(maxLength) ? Math.max(0, Math.floor(maxLength)) : 200
  const clean = asString(text)
    .slice(0, maxInput)
    .replace(stringSequences, '')
    .replace(controlSequences, '')
    .replace(shortEscapes, '')
    .replace(lineBreaks, ' ')
    .replace(controls, '')
    .replace(loneSurrogates, '')
    .replace(invisible, '')
  if (clean.length <= limit) return clean
  if (limit === 0) return ''
  // A cut between the halves of a pair would leave a lone surrogate behind.
  return `${clean.slice(0, limit - 1).replace(loneSurrogates, '')}…`
}

function asString(value: unknown): string {
  if (typeof value === 'string') return value
  if (value === null || value === undefined) return ''
  try {
    const text: unknown = value instanceof Error ? value.message : String(value)
    return typeof text === 'string' ? text : ''
  } catch {
    return '' // An object whose own conversion throws has nothing to show.
  }
}

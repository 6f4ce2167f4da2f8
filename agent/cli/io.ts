/** What a command touches of the outside. */
export interface Io {
  /** Results. The text is written as it is: line ends belong to it. */
  stdout(text: string): void
  /** Progress, warnings and errors. */
  stderr(text: string): void
  /** Lines; null: standard input is a terminal. */
  stdin: AsyncIterable<string> | null
  /** Whether results may be coloured. */
  color: boolean
  /** Whether a person sees the results arrive. */
  tty: boolean
  /** Unix milliseconds. */
  nowMs(): number
  environment: Readonly<Record<string, string | undefined>>
}

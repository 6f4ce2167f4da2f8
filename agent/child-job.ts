export interface ChildJob<Request> {
  /** Characters; a longer request is refused unread. */
  longestRequest: number
  /** Null for what is no request. Never throws. */
  parse(text: string): Request | null
  /** A plain value that JSON keeps. */
  answer(request: Request): Promise<unknown>
}

/**
 * The whole life of a process that does one thing and ends: its request on `input`, its answer as one line of JSON on
 * `output`. Gives the exit code: 0 answered, 1 the request could not be understood.
 */
export async function answerOnce<Request>(
  input: AsyncIterable<Buffer | string>,
  output: (text: string) => Promise<void>,
  { longestRequest, parse, answer }: ChildJob<Request>,
): Promise<number> {
  const pieces: string[] = []
  // A character may lie across two chunks.
  const decoder = new TextDecoder()
  let length = 0
  for await (const chunk of input) {
    const text = typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true })
    length += text.length
    if (length > longestRequest) return 1
    pieces.push(text)
  }
  const request = parse(pieces.join(''))
  if (request === null) return 1
  await output(`${JSON.stringify(await answer(request))}\n`)
  return 0
}

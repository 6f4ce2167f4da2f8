/** What came of one request, its repetitions included. */
export type Answer =
  | { ok: true; output: Record<string, unknown>; attempts: number }
  | { ok: false; error: unknown; lastAnswer: unknown; hostname: string; attempts: number }

/** All that is used of a command and of a client of the SDK, alike for every service. */
export interface AnyCommand {
  middlewareStack: {
    add(
      middleware: (next: (args: unknown) => Promise<unknown>) => (args: unknown) => Promise<unknown>,
      options: { step: 'deserialize'; name: string; priority: 'high' },
    ): void
  }
}

export interface AnyClient {
  send(command: AnyCommand, options: { abortSignal: AbortSignal }): Promise<object>
}

function hostnameOf(args: unknown): string | null {
  const request = (args as { request?: { hostname?: unknown } } | null)?.request
  return typeof request?.hostname === 'string' ? request.hostname : null
}

/**
 * Sends one command, counts its requests on the wire and keeps the last error that the server itself answered: a call that
 * is ended while it waits out its throttling was throttled, not slow. Never rejects.
 */
export async function sendCommand(
  client: AnyClient,
  command: AnyCommand,
  usualHostname: string,
  signal: AbortSignal,
): Promise<Answer> {
  let attempts = 0
  let lastAnswer: unknown = null
  let hostname = usualHostname
  command.middlewareStack.add(
    (next) => async (args) => {
      attempts++
      hostname = hostnameOf(args) ?? hostname
      try {
        return await next(args)
      } catch (error) {
        if (!signal.aborted) lastAnswer = error
        throw error
      }
    },
    { step: 'deserialize', name: 'pathproofAttempt', priority: 'high' },
  )
  try {
    const output = await client.send(command, { abortSignal: signal })
    return { ok: true, output: output as Record<string, unknown>, attempts }
  } catch (error) {
    return { ok: false, error, lastAnswer, hostname, attempts }
  }
}

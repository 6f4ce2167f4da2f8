import type { EgressControl, EgressLook, EgressState } from '../model/egress.ts'
import type { Failure } from '../model/observation.ts'
import type { EgressDestination } from './egress-url.ts'

export interface EgressControls {
  /** By the same means: family and TCP or UDP, or the proxy. */
  same: EgressControl
  /** By the same means in any family: shows that this host's network is up at all. */
  any: EgressControl
}

export interface EgressWord {
  state: EgressState
  because: string
  control: EgressControl
}

const codeOf = (failure: Failure): string => ('code' in failure ? failure.code : failure.type)

/**
 * What one look shows. In doubt never `blocked`:
 * - what connected or answered is `open`, whatever came after it and whatever the control says;
 * - a refusal that came back (RST, ICMP) is `open` too, for packets were out; who sent it can't be read from a socket, so a
 *   router nearby counts as one far away. Where the control failed as well it shows nothing;
 * - this host's own refusal, before anything was sent, is `blocked` if its network is up at all;
 * - silence is `blocked` only beside a control, and only where something at the other end would have answered.
 */
export function egressState(
  destination: EgressDestination,
  look: EgressLook,
  controls: EgressControls,
): EgressWord {
  if (look.via === 'proxy') return proxiedState(destination, look, controls)
  const { same, any } = controls
  const at = `${look.address ?? destination.host} port ${destination.port}`
  const word = (state: EgressState, because: string, control = same): EgressWord => ({
    state,
    because,
    control,
  })
  const { failure, reached } = look
  if (reached === 'answer')
    return word('open', look.status === null ? `${at} answered` : `${at} answered with status ${look.status}`)
  if (reached !== 'nothing') {
    const rest = failure === null ? '' : `; what came after failed (${codeOf(failure)})`
    return word('open', `${at} was connected to by ${reached === 'tls' ? 'TLS' : 'TCP'}${rest}`)
  }
  if (failure === null) return word('untestable', 'nothing was tried')
  const beside = (state: EgressState, because: string, control: EgressControl): EgressWord =>
    control.good
      ? word(state, `${because}; ${control.because}`, control)
      : word('untestable', `${because}, but the control fails too: ${control.because}`, control)
  switch (failure.type) {
    case 'timeout':
      if (look.mayBeSilent)
        return word(
          'untestable',
          `${at} was silent, as a service may be that does not know what it was sent: name one that answers (tcp, dns, ntp)`,
        )
      return beside(
        'blocked',
        `nothing came back from ${at} in ${Math.round(failure.afterSeconds * 10) / 10} s (packets may still have left)`,
        same,
      )
    case 'refused':
    case 'reset':
      return beside(
        'open',
        `${at} was refused by something beyond this host (${codeOf(failure)}): packets got out`,
        same,
      )
    case 'no_local_route':
    case 'denied':
    case 'unreachable':
      return look.atOnce
        ? beside('blocked', `this host itself refused to send to ${at} (${codeOf(failure)})`, any)
        : beside(
            'open',
            `something beyond this host said that there is no way to ${at} (${codeOf(failure)}): how far packets got can't be told, so it counts as out`,
            same,
          )
    case 'dns':
      return word(
        'untestable',
        `${destination.host} has no address here (${codeOf(failure)}): nothing was tried`,
      )
    case 'tls':
    case 'resources':
    case 'aborted':
    case 'internal':
      return word('untestable', `the look at ${at} failed by itself (${codeOf(failure)})`)
  }
}

/** A proxy speaks for itself: only its own refusal of a tunnel is one, and only what it let through is `open`. */
function proxiedState(
  { scheme, host, port }: EgressDestination,
  look: EgressLook,
  { same }: EgressControls,
): EgressWord {
  const word = (state: EgressState, because: string): EgressWord => ({ state, because, control: same })
  const { status, failure, reached } = look
  if (status === null) {
    if (failure?.type === 'internal' && failure.code === 'PROXY_UNUSABLE')
      return word('untestable', same.because)
    const why = failure === null ? 'no answer' : codeOf(failure)
    return word(
      'untestable',
      reached === 'nothing'
        ? `the proxy was not reached (${why})`
        : `the proxy gave no answer for ${host} (${why})`,
    )
  }
  if (scheme === 'https') {
    if (status >= 200 && status < 300) return word('open', `the proxy connected to ${host} port ${port}`)
    if (status !== 403)
      return word('untestable', `the proxy answered ${status} for ${host}: how far it went can't be told`)
    return same.good
      ? word('blocked', `the proxy refused ${host} (403); ${same.because}`)
      : word('untestable', `the proxy refused ${host} (403), but the control fails too: ${same.because}`)
  }
  const unclear = status === 403 || status === 407 || status >= 500
  return unclear
    ? word(
        'untestable',
        `status ${status} for ${host}: over plain HTTP the proxy's own word can't be told from the destination's`,
      )
    : word('open', `the proxy gave an answer for ${host} (status ${status})`)
}

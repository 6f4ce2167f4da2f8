import type { Flag } from '../../model/evidence.ts'
import type { FirstLeg } from '../../model/first-leg.ts'
import type { Confirmation, PathClass, PathState, Rank } from '../../model/path.ts'
import type { Requirement } from '../../model/verdict.ts'
import { html } from './html.ts'

/** A sign for each state that differs by its shape, for those who see no colour. */
export const stateSigns: Readonly<Record<PathState, string>> = {
  private: '✓',
  public: '✕',
  mixed: '◐',
  blocked: '■',
  undetermined: '?',
}

/** Worst first, as an eye in a hurry wants it. */
export const statesByUrgency: readonly PathState[] = ['public', 'mixed', 'undetermined', 'blocked', 'private']

export function badge(state: PathState): string {
  return `<span class="badge s-${state}"><span aria-hidden="true">${stateSigns[state]}</span> ${state}</span>`
}

/** What each class is called in a picture. */
export const classWords: Readonly<Record<PathClass, string>> = {
  gateway_endpoint: 'gateway endpoint',
  interface_endpoint: 'interface endpoint',
  nat_gateway_endpoint: 'NAT gateway, then gateway endpoint',
  nat_gateway: 'NAT gateway, then internet gateway',
  internet_gateway: 'internet gateway',
  public_vif: 'Direct Connect public interface',
  internet: 'an internet provider’s line',
  relay: 'a relay, or a way not modelled',
  blocked: 'no way: nothing gets through',
}

export const rankWords: Readonly<Record<Rank, string>> = {
  given: 'the socket itself',
  attested: 'AWS’s own word on the request',
  observed: 'recorded by the network or the kernel',
  configured: 'the account’s configuration',
  consistent: 'only fits, proves nothing by itself',
}

export const confirmationWords: Readonly<Record<Confirmation, string>> = {
  confirmed: 'confirmed by records',
  pending: 'records awaited',
  no_record: 'no record came',
  unavailable: 'no records to confirm by',
}

/** The same in a sentence. */
export const confirmationSentences: Readonly<Record<Confirmation, string>> = {
  confirmed: 'The network’s or AWS’s own records of this connection bear the verdict out.',
  pending: 'Records of this connection may still come; they can confirm or contradict.',
  no_record:
    'The time for records is over and none came that confirms. That is no evidence of anything; one that comes later still contradicts.',
  unavailable: 'No source of records covers this connection, or its format lacks what would decide.',
}

export const legWords: Readonly<Record<FirstLeg, string>> = {
  direct_connect: 'Direct Connect',
  vpn: 'VPN',
  unproven: 'unproven',
}

export const flagWords: Readonly<Record<Flag, string>> = {
  tls_intercepted: 'TLS is intercepted: the certificate is not the service’s',
  certificate_expired: 'the certificate has expired (or this host’s clock is wrong)',
  certificate_not_yet_valid: 'the certificate is not valid yet (or this host’s clock is wrong)',
  certificate_wrong_name: 'the certificate is for another name',
  proxy_configured:
    'proxy variables are set in the environment; nothing here goes through them, other programs may',
  redirect_on_host: 'a redirect on this host may match the connection',
  packets_may_have_left: 'no answer came, and packets may have left all the same',
  answer_outside_list: 'the address is outside the region’s prefix list',
  unread_prefix_list: 'a prefix list could not be read',
  resolvers_disagree: 'resolvers disagree',
}

export function requirementWords(require: Requirement): string {
  switch (require.kind) {
    case 'none':
      return 'nothing is required'
    case 'private':
      return 'private is required'
    case 'blocked':
      return 'blocked is required'
    case 'classes':
      return `required: one of ${require.classes.join(', ')}`
  }
}

/** `met` as a word with a sign of its own; null: nothing is required, or nothing is known yet. */
export function metWord(met: boolean | null, waived: boolean): string {
  if (met === null) return '<span class="met none">nothing required</span>'
  if (met) return '<span class="met yes"><span aria-hidden="true">✓</span> requirement met</span>'
  return waived
    ? '<span class="met waived"><span aria-hidden="true">✕</span> not met, waived</span>'
    : '<span class="met no"><span aria-hidden="true">✕</span> requirement not met</span>'
}

/** Classes as a short text. */
export function classesWords(classes: readonly PathClass[]): string {
  if (classes.length === 0) return 'nothing remains possible'
  return classes.length > 4 ? `${classes.length} classes remain possible` : html(classes.join(', '))
}

/**
 * The classes of path that the packets of one connection can take, and the side each one is on.
 * `relay` also stands for every way that is not modelled; `blocked` means that there is no way.
 */
export const pathClasses = [
  'gateway_endpoint',
  'interface_endpoint',
  'nat_gateway_endpoint',
  'nat_gateway',
  'internet_gateway',
  'public_vif',
  'internet',
  'relay',
  'blocked',
] as const

export type PathClass = (typeof pathClasses)[number]

/** Which side a class is on: `open` settles nothing, `none` means that no packet gets through. */
export type Side = 'private' | 'public' | 'open' | 'none'

export const sideOf: Readonly<Record<PathClass, Side>> = {
  gateway_endpoint: 'private',
  interface_endpoint: 'private',
  nat_gateway_endpoint: 'private',
  nat_gateway: 'public',
  internet_gateway: 'public',
  public_vif: 'public',
  internet: 'public',
  relay: 'open',
  blocked: 'none',
}

/** The answer for one attempt. `mixed` exists only for names and targets: some private, some public. */
export const pathStates = ['private', 'public', 'mixed', 'blocked', 'undetermined'] as const

export type PathState = (typeof pathStates)[number]

/** How strong a piece of evidence is, strongest first. */
export const ranks = ['given', 'attested', 'observed', 'configured', 'consistent'] as const

export type Rank = (typeof ranks)[number]

/** Whether the network's or AWS's own records bore out a verdict that was reached without them. */
export type Confirmation = 'pending' | 'confirmed' | 'no_record' | 'unavailable'

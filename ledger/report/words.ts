/** Words that all formats share. */

/** How each cause of a gap reads. */
export const causeWords: Readonly<Record<string, string>> = {
  stopped: 'the agent was stopped',
  crash: 'the agent ended without closing the ledger',
  records_missing: 'records are missing from the ledger',
  records_lost: 'records could not be written and are lost',
  ledger_damaged: 'files of the ledger were gone or changed',
  silence: 'nothing at all was recorded, not even a heartbeat',
  clock_or_suspend: 'the host was suspended, or its clock was set ahead',
  no_records: 'the ledger has no records',
  before_the_ledger: 'the ledger begins later',
  pruned_or_missing: 'earlier records were pruned, or are missing',
  after_the_last_record: 'the ledger ends earlier',
  not_watched: 'the target was not watched then',
  no_verdict: 'no look was made, or none in time',
}

export function causeText(causes: readonly string[]): string {
  return causes.map((cause) => causeWords[cause] ?? cause).join('; ')
}

export const markWords = {
  private: 'private',
  blocked: 'blocked',
  gap: 'not observed',
  undetermined: 'undetermined',
  mixed: 'mixed (some addresses public)',
  public: 'public',
} as const

export const conclusionWords = {
  met_throughout: 'shown at every moment',
  not_fully_shown: 'not shown at every moment',
  not_met: 'requirement not met',
  public: 'public path seen',
  waived: 'exceptions, all under a waiver',
  nothing_required: 'nothing is required',
  nothing_observed: 'nothing was observed',
} as const

export const resultWords = {
  no_exception: 'no exception found',
  exception: 'exception found',
  incomplete: 'not fully shown',
  no_data: 'no data',
} as const

export const overallWords = {
  met: 'What is required was shown at every moment of the period.',
  incomplete: 'No exception was found, but not everything was shown.',
  exception: 'Exceptions were found.',
  unusable: 'The ledger does not verify: nothing in it can be relied on.',
} as const

export const outcomeWords = {
  verified: 'whole, and signed by the given key',
  signer_unknown: 'whole; signer not verified, for no key was given or another one signed',
  gaps: 'whole and signed, with gaps or doubts that are listed',
  broken: 'changed, damaged or incomplete',
  not_checked: 'not checked',
} as const

/** `3 d 4 h`, `12 min 5 s`, `0.5 s`: at most two units. */
export function durationText(seconds: number): string {
  if (seconds > 0 && seconds < 0.05) return '< 0.1 s'
  if (seconds < 60) return `${Math.round(seconds * 10) / 10} s`
  const whole = Math.round(seconds)
  const parts: [number, string][] = [
    [Math.floor(whole / 86_400), 'd'],
    [Math.floor((whole % 86_400) / 3600), 'h'],
    [Math.floor((whole % 3600) / 60), 'min'],
    [whole % 60, 's'],
  ]
  const start = parts.findIndex(([n]) => n > 0)
  return parts
    .slice(start, start + 2)
    .filter(([n]) => n > 0)
    .map(([n, unit]) => `${n} ${unit}`)
    .join(' ')
}

/** A share of a whole, 0 to 1: never rounded up to 100 %, nor down to 0 %. */
export function percentText(share: number): string {
  if (share >= 1) return '100 %'
  if (share <= 0) return '0 %'
  const text = (Math.floor(share * 100_000) / 1000).toFixed(3).replace(/\.?0+$/, '')
  return text === '0' ? '< 0.001 %' : `${text} %`
}

export const method = [
  'The agent makes connections of its own from this host to each name of each target, at the times of its schedule, and to all addresses that the names are known to have in turn. One round over a target is a look.',
  'Each connection is judged by what the account’s route tables, endpoints and gateways say of its own address and interface at that time, by the certificate that answered, and, where they are enabled, by the network’s own records (flow logs) and by AWS’s records of the request. Ways that the evidence does not rule out stay possible.',
  'Evidence has a strength. From the strongest: given (by the connection itself), attested (by AWS, of this request), observed (by the network, of this connection), configured (what the account’s routes and endpoints say), consistent (it fits, and proves nothing by itself).',
  '“Private” means: nothing but private ways is left, and a TLS handshake was completed. Anything less is “undetermined”. One public address makes a name “mixed” or “public”, and the worst name makes the target.',
  'A verdict stands from the start of its look until the next look, at most for its life (three intervals and the deadline). Time beyond is a gap: silence is never compliance.',
  'Where a look found something worse than the look before, the time between the two counts as undetermined at best. Where records showed later that a connection was public, all that was said from then until they arrived counts as undetermined at best, and so does the verdict that stood, until a new one is reached.',
  'Where the clock was set back and a time was passed twice, the second time counts, and what was bad of the first. Where it was set ahead and nobody knew how wrong it had been, what was said since the host’s start is undetermined.',
  'A repeated verdict counts only if the verdict that it repeats is in the ledger. Where records of the ledger are missing or were lost, nothing counts, up to the next look.',
  '“Confirmed” looks are those of which the network’s or AWS’s own records bore out a connection. Looks that were planned are counted from the schedule and the time in which the target was to be watched.',
] as const

export const limits = [
  'This report shows what this host observed; does not prove that no other path exists.',
  'It speaks of the agent’s own connections. Other programs on this host may use other names, addresses, proxies or source addresses; the census of flows, where there is one, counts theirs and judges none.',
  'Records of the network and of AWS come late, by up to a day: of the end of a ledger they may still say otherwise, and a later report shows that.',
  'Between two looks nothing was tried. A way that was open for less than an interval may have been missed.',
  'Verdicts that rest on configuration assume that the API’s answers describe what the network does.',
  'Whoever has full control of the host and of the signing key can write any ledger. Checkpoints that are kept outside the host, and keys that are held outside, limit that; what was compared is named under “Record”.',
  'The mapping to controls says which controls this evidence supports. Whether a control is in place is for an assessor to decide.',
] as const

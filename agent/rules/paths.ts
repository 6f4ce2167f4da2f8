import { type Alert, promDuration } from './alert.ts'
import type { RuleParameters } from './parameters.ts'

/** What identifies a watched name, and a target, over all agents of all jobs. */
const onName = 'on (job, instance, target, hostname, style)'
const onTarget = 'on (job, instance, target)'

const withInfo = (states: string): string => `(
${indent(states)}
  * ${onName} group_left (class, proof)
    pathproof_path_info
)`

const indent = (text: string): string => text.replace(/^/gm, '    ')
const state = (which: string): string =>
  /\|/.test(which)
    ? `(pathproof_path_state{state=~"${which}"} == 1)`
    : `(pathproof_path_state{state="${which}"} == 1)`

const notMet = `and ${onTarget} (pathproof_requirement_met == 0)`
const notExcused = `unless ${onTarget} (pathproof_waiver_active == 1)`
/** The gauge is there for every name, but where blocked is required. */
const blockedThoughWanted = `(${state('blocked')} and ${onName} pathproof_path_private)`
const openThoughBlocked = `(${state('private')} unless ${onName} pathproof_path_private)`

const where = '{{ $labels.hostname }} ({{ $labels.target }}) on {{ $labels.instance }}'
const look =
  'Reasons and the commands that mend it: http://{{ $labels.instance }}/targets/{{ $labels.target }}, or on that host: pathproof check {{ $labels.hostname }}'

/** What mends a public path, by the class of the way that was taken. */
const mend = [
  '{{ if eq $labels.class "nat_gateway" "internet_gateway" }}Fix: give the route table of its subnet the route of the gateway endpoint, or the name an interface endpoint with private DNS.',
  '{{ else if eq $labels.class "internet" "public_vif" }}Fix: make the name answer the address of an interface endpoint (inbound resolver), and route that address by Direct Connect or VPN.',
  '{{ else }}Fix: see under "what mends it" which of its addresses goes where.{{ end }}',
].join('')

function requirementAlerts({ unprovenSeconds }: RuleParameters): Alert[] {
  return [
    {
      alert: 'PathproofRequirementNotMet',
      severity: 'critical',
      forSeconds: 0,
      expr: `${withInfo(`(\n    ${state('public|mixed')}\n  or\n    ${openThoughBlocked}\n)`)}
${notMet}
${notExcused}`,
      summary: `${where} is {{ $labels.state }}: the way that its connection takes is {{ $labels.class }} (proof: {{ $labels.proof }}), and the requirement is not met. {{ if eq $labels.state "private" }}Fix: close that way, for blocked is required.{{ else }}${mend}{{ end }}`,
      description: look,
    },
    {
      alert: 'PathproofPathBlocked',
      severity: 'critical',
      forSeconds: 300,
      expr: `${blockedThoughWanted}\n${notMet}\n${notExcused}`,
      summary: `${where} is out of reach: no route, a blackhole, a filter or a closed port. Fix: put back the route or the endpoint that its route table names, or let security groups and network ACLs pass port 443.`,
      description: look,
    },
    {
      alert: 'PathproofRequirementUnproven',
      severity: 'critical',
      forSeconds: unprovenSeconds,
      expr: `(pathproof_requirement_met == 0)
${notExcused}
unless ${onTarget} ${state('public|mixed|undetermined')}
unless ${onTarget} ${blockedThoughWanted}
unless ${onTarget} ${openThoughBlocked}`,
      summary:
        'No path of {{ $labels.target }} on {{ $labels.instance }} is public, yet its requirement is not met: it demands another class of path (require), a stronger proof (min_proof) or another first leg (require_first_leg) than what is seen. Fix: confirm by flow logs or a canary, mend the first leg, or correct the requirement.',
      description:
        'What is missing: http://{{ $labels.instance }}/targets/{{ $labels.target }}; what is known: pathproof_path_info{target="{{ $labels.target }}", instance="{{ $labels.instance }}"}',
    },
  ]
}

function doubtAlerts({ undeterminedSeconds, staleSeconds }: RuleParameters): Alert[] {
  return [
    {
      alert: 'PathproofPublicPath',
      severity: 'warning',
      forSeconds: 0,
      expr: `${withInfo(state('public'))}\nunless ${onTarget} pathproof_requirement_met\n${notExcused}`,
      summary: `${where} is public: its connection leaves by {{ $labels.class }} (proof: {{ $labels.proof }}). Nothing is required of it. ${mend}`,
      description: look,
    },
    {
      alert: 'PathproofMixedPath',
      severity: 'warning',
      forSeconds: 0,
      expr: `(
    (pathproof_addresses{state="public"} > 0)
  and ${onName}
    ${state('mixed')}
)
${notExcused}`,
      summary: `${where}: {{ $value }} of its addresses go by a public path and others by a private one, so it depends on DNS which one is taken. Fix: give every route table and both address families the endpoint, and have all resolvers answer alike.`,
      description: look,
    },
    {
      alert: 'PathproofPathUndetermined',
      severity: 'warning',
      forSeconds: undeterminedSeconds,
      expr: `(\n    ${state('undetermined')}\n  + ${onName} group_left ()\n    pathproof_tainted\n)\n${notExcused}`,
      summary: `Whether ${where} is private is not known: {{ if gt $value 1.5 }}an earlier contradiction on the same way holds it (taint). Fix: mend that way; it is lifted once each address is confirmed private.{{ else }}evidence is missing, too old or contradicts itself. Fix: see what would decide it; most often a permission to read the account, or a resolver that fails.{{ end }}`,
      description: look,
    },
    {
      alert: 'PathproofRequirementUnstable',
      severity: 'warning',
      forSeconds: 600,
      // What is unmet for a while again and again is never unmet for as long as the other alerts wait.
      expr: `(avg_over_time(pathproof_requirement_met[1h]) < 0.5)
and ${onTarget} (changes(pathproof_requirement_met[1h]) > 2)
${notExcused}`,
      summary:
        'The requirement of {{ $labels.target }} on {{ $labels.instance }} comes and goes: of the last hour it was met for a share of {{ humanize $value }} only. Fix: see under the last changes what differs between the times when it is met and those when it is not: a resolver, an address, readings of the account that come too late.',
      description: 'The last changes: http://{{ $labels.instance }}/targets/{{ $labels.target }}',
    },
    {
      alert: 'PathproofVerdictStale',
      severity: 'warning',
      forSeconds: 120,
      expr: `time() - pathproof_last_verdict_timestamp_seconds > ${staleSeconds}`,
      summary: `${where} {{ if gt $value 1e9 }}has had no verdict since the agent started{{ else }}has had no verdict for {{ humanizeDuration $value }}{{ end }}: its cycles do not come to an end. Fix: see whether the host is out of processor, memory or descriptors and whether its resolvers answer, and start the agent anew.`,
      description:
        'Skipped slots: pathproof_probe_skipped_total; on that host: journalctl -u pathproof; pathproof doctor',
    },
  ]
}

function nameAlerts({ compared, job }: RuleParameters): Alert[] {
  const alerts: Alert[] = [
    {
      alert: 'PathproofVerdictsAbsent',
      severity: 'warning',
      forSeconds: 900,
      expr: `(up{job="${job}"} == 1)\nunless on (job, instance) pathproof_last_verdict_timestamp_seconds`,
      summary:
        'pathproof on {{ $labels.instance }} answers and watches nothing: it has no target, and discovered none. Fix: name targets in its configuration, or let it read the account (pathproof config iam).',
      description: 'On that host: pathproof doctor; pathproof config check',
    },
    {
      alert: 'PathproofTargetVanished',
      severity: 'warning',
      forSeconds: 600,
      expr: `(
    pathproof_waiver_active offset 1h
  unless ${onTarget}
    pathproof_waiver_active
)
and on (job, instance) (up{job="${job}"} == 1)`,
      summary:
        '{{ $labels.target }} on {{ $labels.instance }} is no longer watched: it was taken out of the configuration, or another configuration was loaded. Fix: put it back, if nobody meant that.',
      description: 'It resolves by itself after an hour. On that host: pathproof config show',
    },
    {
      alert: 'PathproofEvidenceConflict',
      severity: 'warning',
      forSeconds: 0,
      expr: 'increase(pathproof_evidence_conflicts_total[15m]) > 0',
      summary: `What was seen of ${where} contradicts itself: route tables, records of the network and AWS's own word do not agree. Fix: look for what changed meanwhile, for a redirect on the host, or for an appliance on the way.`,
      description: look,
    },
    {
      alert: 'PathproofPathTainted',
      severity: 'warning',
      forSeconds: 0,
      expr: 'pathproof_tainted == 1',
      summary: `${where} is held undetermined: records of the network or of AWS showed a public path, or contradicted the route tables, on the way that it takes. Fix: find who took that way (route table, appliance); it is lifted once each address is confirmed private.`,
      description: look,
    },
    {
      alert: 'PathproofCertificateExpiring',
      severity: 'warning',
      forSeconds: 3600,
      expr: 'pathproof_tls_certificate_not_after_timestamp_seconds - time() < 7 * 86400',
      summary: `The certificate that ${where} shows {{ if lt $value 0.0 }}has ended{{ else }}ends in {{ humanizeDuration $value }}{{ end }}. AWS renews its own long before that. Fix: renew that of your endpoint or proxy, or set the clock of the host.`,
      description: look,
    },
  ]
  if (compared)
    alerts.push({
      alert: 'PathproofResolverDiffers',
      severity: 'warning',
      forSeconds: 900,
      expr: 'pathproof_resolver_state{state="different"} == 1',
      summary:
        'The resolver {{ $labels.resolver }} answers {{ $labels.hostname }} ({{ $labels.target }}) otherwise than the resolvers that count on {{ $labels.instance }}: who asks it may take another path. Fix: associate the private hosted zone or the forwarding rule with the network of both.',
      description: look,
    })
  return alerts
}

function waiverAlerts(): Alert[] {
  return [
    {
      alert: 'PathproofWaiverActive',
      severity: 'info',
      forSeconds: 0,
      expr: 'pathproof_waiver_active == 1',
      summary:
        'A waiver excuses {{ $labels.target }} on {{ $labels.instance }}. It is shown so that nobody forgets it, and inhibits what it excuses. Fix: mend the path, and take the waiver out of the configuration.',
      description: 'Reason and ticket: http://{{ $labels.instance }}/targets/{{ $labels.target }}',
    },
    {
      alert: 'PathproofWaiverEnding',
      severity: 'warning',
      forSeconds: 0,
      expr: `(pathproof_waiver_expiry_timestamp_seconds - time() < 7 * 86400)\nand ${onTarget} (pathproof_waiver_active == 1)`,
      summary:
        'The waiver of {{ $labels.target }} on {{ $labels.instance }} ends in {{ humanizeDuration $value }}; then its requirement pages again. Fix: mend the path, or renew the waiver with its ticket.',
      description: 'Reason and ticket: http://{{ $labels.instance }}/targets/{{ $labels.target }}',
    },
    {
      alert: 'PathproofWaiverExpired',
      severity: 'warning',
      forSeconds: 3600,
      expr: 'pathproof_waiver_expiry_timestamp_seconds - time() <= 0',
      summary:
        'The waiver of {{ $labels.target }} on {{ $labels.instance }} has ended and excuses nothing any more. Fix: take it out of the configuration, or renew it with its ticket.',
      description: 'On that host: pathproof config check',
    },
  ]
}

/** Alerts on paths, requirements and waivers. */
export function pathAlerts(parameters: RuleParameters): Alert[] {
  const { firstLeg, egress, waivers } = parameters
  const alerts = [...requirementAlerts(parameters), ...doubtAlerts(parameters), ...nameAlerts(parameters)]
  if (waivers) alerts.push(...waiverAlerts())
  if (firstLeg)
    alerts.push({
      alert: 'PathproofFirstLegChanged',
      severity: 'warning',
      forSeconds: 0,
      expr: `(
    (pathproof_first_leg == 1)
  * ${onTarget} group_left ()
    (increase(pathproof_first_leg_changes_total[30m]) > bool 0)
) > 0`,
      summary:
        'The first leg of {{ $labels.target }} from {{ $labels.instance }} towards AWS has changed, and is {{ $labels.leg }} now. Fix: see whether Direct Connect is down and its routes were withdrawn (BGP), and whether the fail-over was meant.',
      description:
        'What is seen of it: http://{{ $labels.instance }}/targets/{{ $labels.target }}; on that host: pathproof doctor',
    })
  if (egress !== null)
    alerts.push(
      {
        alert: 'PathproofEgressOpen',
        severity: 'critical',
        forSeconds: 0,
        expr: 'pathproof_egress_state{state="open"} == 1',
        summary:
          'A way out that must be closed is open on {{ $labels.instance }}: {{ $labels.check }}. Fix: take the route to the internet or the NAT gateway away, or close it in security group, network ACL, firewall or proxy.',
        description: 'Addresses and answers: http://{{ $labels.instance }}/',
      },
      {
        alert: 'PathproofEgressUntestable',
        severity: 'warning',
        forSeconds: Math.max(1800, 5 * egress.everySeconds),
        expr: 'pathproof_egress_state{state="untestable"} == 1',
        summary:
          'Whether {{ $labels.check }} is closed on {{ $labels.instance }} can not be said: its control gets no connection, or the destination need not answer. Fix: name a control target that works by the same means, or another destination.',
        description: `It is tried every ${promDuration(egress.everySeconds)}. On that host: pathproof doctor`,
      },
    )
  return alerts
}

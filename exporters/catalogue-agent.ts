import { dropReasons, exporterNames } from './exporter.ts'
import { metric } from './metric.ts'

/** What the canary shows over one connection; `no_answer`: not all was sent or answered. */
export const canaryResults = ['endpoint', 'not_endpoint', 'inconclusive', 'no_answer'] as const
/** What CloudTrail says of a call; `not_sent`: it was not sent, or its answer names no request. */
export const trailResults = ['named', 'not_named', 'no_record', 'not_sent'] as const

/** Metrics of the ways out, of the web configuration, and of what AWS itself is asked. */
export const agentCatalogue = [
  metric(
    'pathproof_exporter_dropped_total',
    'counter',
    'process',
    ['exporter', 'reason'],
    'What an exporter could not deliver and dropped. One set of series for each exporter that is configured.',
    { exporter: exporterNames, reason: dropReasons },
  ),
  metric(
    'pathproof_web_config_last_reload_successful',
    'gauge',
    'process',
    [],
    'Whether the files of the web configuration, as they are now, are in force. Absent without --web.config.file.',
  ),
  metric(
    'pathproof_canary_sockets_total',
    'counter',
    'process',
    ['result'],
    'Connections of the canary, by what AWS said over them. While a canary is configured.',
    { result: canaryResults },
  ),
  metric(
    'pathproof_cloudtrail_requests_total',
    'counter',
    'process',
    ['result'],
    'Signed management calls, by what CloudTrail said of them. While cloudtrail is configured.',
    { result: trailResults },
  ),
] as const

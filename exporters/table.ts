import { type CloudwatchDatum, type CloudwatchOptions, createCloudwatch } from './cloudwatch.ts'
import { type EventsOptions, type StateEvent, createEvents } from './events.ts'
import type { Exporter, ExporterDeps, ExporterName } from './exporter.ts'

/** What each exporter takes. */
export interface ExporterItems {
  events: StateEvent
  cloudwatch: CloudwatchDatum
}

/** What each exporter needs. */
export interface ExporterOptions {
  events: EventsOptions
  cloudwatch: CloudwatchOptions
}

/** Every exporter: a name without its line does not compile. */
export const exporters: {
  [Name in ExporterName]: (
    options: ExporterOptions[Name],
    deps: ExporterDeps,
  ) => Exporter<ExporterItems[Name]>
} = {
  events: createEvents,
  cloudwatch: createCloudwatch,
}

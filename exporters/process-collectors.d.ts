/** Parts of the library that its own types do not name. */
declare module '@prometheus-io/client/lib/registry.js' {
  import { Registry } from '@prometheus-io/client'
  export default Registry
}

declare module '@prometheus-io/client/lib/metrics/*.js' {
  import type { Registry } from '@prometheus-io/client'
  const collect: (registry: Registry, how: { eventLoopMonitoringPrecision: number }) => void
  export default collect
}

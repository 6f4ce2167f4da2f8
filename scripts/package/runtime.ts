/**
 * Options of the runtime in everything that is shipped with one, and in the benchmarks. V8 lets the young generation grow to
 * twice 32 MiB; with half of that a daemon of 1,000 targets is 30 MiB smaller and takes no more CPU (docs/performance.md).
 */
export const runtimeOptions = ['--max-semi-space-size=16']

/** Variables for glibc in the unit and in the image: freed memory of helper threads comes back to the system. */
export const runtimeEnvironment = { MALLOC_ARENA_MAX: '2', MALLOC_TRIM_THRESHOLD_: '262144' }

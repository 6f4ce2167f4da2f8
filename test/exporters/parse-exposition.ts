/** A small parser of the text format, written from its description and not from our writer. */
export interface ParsedFamily {
  name: string
  type: string
  help: string
  /** In order: sample name, labels, value as written. */
  samples: { name: string; labels: Record<string, string>; value: string }[]
}

/** Throws at the first line that is not well formed, is out of place, or repeats a series. */
export function parseExposition(text: string): ParsedFamily[] {
  if (text !== '' && !text.endsWith('\n')) throw new Error('no line feed at the end')
  const families: ParsedFamily[] = []
  const seen = new Set<string>()
  const names = new Set<string>()
  let ended = false
  for (const line of text.split('\n').slice(0, -1)) {
    if (ended) throw new Error('text after the end mark')
    if (line === '# EOF') {
      ended = true
      continue
    }
    const help = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)$/.exec(line)
    if (help?.[1] !== undefined) {
      if (names.has(help[1])) throw new Error(`family ${help[1]} twice`)
      names.add(help[1])
      families.push({ name: help[1], type: '', help: unescape(help[2] ?? ''), samples: [] })
      continue
    }
    const family = families.at(-1)
    if (family === undefined) throw new Error(`sample before its family: ${line}`)
    const type = /^# TYPE (\S+) (gauge|counter|histogram)$/.exec(line)
    if (type !== null) {
      if (type[1] !== family.name || family.type !== '') throw new Error(`type out of place: ${line}`)
      family.type = type[2] ?? ''
      continue
    }
    const sample = parseSample(line)
    const suffix = sample.name.startsWith(family.name) ? sample.name.slice(family.name.length) : '?'
    const allowed = family.type === 'histogram' ? ['_bucket', '_sum', '_count'] : ['', '_total']
    if (!allowed.includes(suffix)) throw new Error(`${sample.name} in family ${family.name}`)
    const key = JSON.stringify([sample.name, Object.entries(sample.labels).sort()])
    if (seen.has(key)) throw new Error(`series twice: ${line}`)
    seen.add(key)
    family.samples.push(sample)
  }
  return families
}

function parseSample(line: string): ParsedFamily['samples'][number] {
  const name = /^[a-zA-Z_:][a-zA-Z0-9_:]*/.exec(line)?.[0]
  if (name === undefined) throw new Error(`no sample: ${line}`)
  const labels: Record<string, string> = {}
  let at = name.length
  if (line[at] === '{') {
    at++
    while (line[at] !== '}') {
      const label = /^([a-zA-Z_][a-zA-Z0-9_]*)="/.exec(line.slice(at))
      if (label?.[1] === undefined) throw new Error(`no label at ${at}: ${line}`)
      at += label[0].length
      let value = ''
      while (line[at] !== '"') {
        if (at >= line.length) throw new Error(`open label value: ${line}`)
        if (line[at] === '\\') {
          at++
          const escaped = { '\\': '\\', '"': '"', n: '\n' }[line[at] ?? '']
          if (escaped === undefined) throw new Error(`escape at ${at}: ${line}`)
          value += escaped
        } else value += line[at]
        at++
      }
      at++
      if (Object.hasOwn(labels, label[1])) throw new Error(`label twice: ${line}`)
      labels[label[1]] = value
      if (line[at] === ',') at++
      else if (line[at] !== '}') throw new Error(`no comma at ${at}: ${line}`)
    }
    at++
  }
  const value = /^ (\S+)$/.exec(line.slice(at))?.[1]
  if (value === undefined || !/^(?:NaN|[+-]Inf|[+-]?[0-9.]+(?:e[+-]?[0-9]+)?)$/.test(value)) {
    throw new Error(`no value: ${line}`)
  }
  return { name, labels, value }
}

function unescape(text: string): string {
  return text.replace(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character))
}

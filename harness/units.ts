const durationUnitsMs: Record<string, number> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}
const sizeUnits: Record<string, number> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
}
const bitUnits: Record<string, number> = { bit: 1, kbit: 1e3, mbit: 1e6, gbit: 1e9 }
const multipliers: Record<string, number> = { '': 1, k: 1e3, K: 1e3, m: 1e6, M: 1e6 }

/** Reads `500us`, `10ms`, `1.5s`, `1m`, `1h` or `1m30s` as milliseconds; undefined when the text is not a duration. */
export function parseDuration(text: string): number | undefined {
  const parts = [...text.trim().matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)]
  if (parts.length === 0 || parts.map(part => part[0]).join('') !== text.trim()) return undefined
  return parts.reduce((sum, [, value, unit]) => sum + Number(value) * durationUnitsMs[unit!]!, 0)
}

/** Reads `64KiB`, `1MB`, `100B` or `100` as bytes; undefined when the text is not a size. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?) ?(B|KB|MB|GB|KiB|MiB|GiB)?$/.exec(text.trim())
  if (!match) return undefined
  return Math.floor(Number(match[1]) * sizeUnits[match[2] ?? 'B']!)
}

/** Reads `1000`, `10k` or `1.5M` (k is 1000) as a whole number; undefined when the text is not a count. */
export function parseCount(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)([kKmM]?)$/.exec(text.trim().replaceAll('_', ''))
  if (!match) return undefined
  const value = Number(match[1]) * multipliers[match[2]!]!
  return Number.isInteger(value) ? value : undefined
}

/** Reads `50k/s`, `100/s`, `300/m` or `1000` as requests a second; undefined when the text is not a rate. */
export function parseRate(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)([kKmM]?)(?:\/(s|m|h))?$/.exec(text.trim().replaceAll('_', ''))
  if (!match) return undefined
  return (Number(match[1]) * multipliers[match[2]!]! * 1000) / durationUnitsMs[match[3] ?? 's']!
}

/** Reads `50mbit`, `1.5gbit` or `800bit`, the forms of tc, as bits a second; undefined for other texts. */
export function parseBitRate(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?) ?([kmg]?bit)(?:\/s)?$/.exec(text.trim().toLowerCase())
  return match ? Number(match[1]) * bitUnits[match[2]!]! : undefined
}

/** Reads `2%` or `0.1%` as a fraction from 0 to 1; undefined when the text is not a percentage up to 100%. */
export function parsePercent(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?) ?%$/.exec(text.trim())
  const percent = Number(match?.[1])
  return percent <= 100 ? percent / 100 : undefined
}

/** A duration for display, with at most three figures: `68 us`, `1.1 ms`, `2.35 s`. */
export function formatDuration(milliseconds: number): string {
  if (!Number.isFinite(milliseconds)) return '-'
  if (milliseconds < 0.0995) return `${threeFigures(milliseconds * 1000)} us`
  if (milliseconds < 0.9995) return `${Math.round(milliseconds * 1000)} us`
  if (milliseconds < 999.5) return `${threeFigures(milliseconds)} ms`
  return `${threeFigures(milliseconds / 1000)} s`
}

/** The length of a run or of a part of it: `12 ms`, `0.4 s`, `10.0 s`, `3,600 s`. */
export function formatSeconds(seconds: number): string {
  if (seconds > 0 && seconds < 0.0995) return formatDuration(seconds * 1000)
  return seconds < 100 ? `${seconds.toFixed(1)} s` : `${formatCount(seconds)} s`
}

/** A duration as a scenario writes it: `10s`, `1500ms`, `500us`. */
export function formatSetting(milliseconds: number): string {
  if (milliseconds >= 1000 && milliseconds % 1000 === 0) return `${milliseconds / 1000}s`
  if (milliseconds >= 1 || milliseconds === 0) return `${withoutRounding(milliseconds)}ms`
  return `${withoutRounding(milliseconds * 1000)}us`
}

/** A product of decimal fractions may be 70.00000000000001 where it is 70. */
function withoutRounding(value: number): number {
  return Number(value.toPrecision(12))
}

/** A size for display, in binary units: `12 B`, `64 KiB`, `2.6 MiB`. */
export function formatSize(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`
  const power = bytes < 1024 ** 2 ? 1 : bytes < 1024 ** 3 ? 2 : 3
  return `${threeFigures(bytes / 1024 ** power)} ${['', 'KiB', 'MiB', 'GiB'][power]}`
}

/** Bytes a second for display, in the units of `formatSize`: `2.6 MiB/s`. */
export function formatByteRate(bytesPerSecond: number): string {
  return `${formatSize(Math.round(bytesPerSecond))}/s`
}

/** Bits a second for display: `800 bit/s`, `64 kbit/s`, `50 Mbit/s`, `1.5 Gbit/s`. */
export function formatBitRate(bitsPerSecond: number): string {
  const power = bitsPerSecond < 999.5 ? 0 : bitsPerSecond < 999_500 ? 1 : bitsPerSecond < 999_500_000 ? 2 : 3
  return `${threeFigures(bitsPerSecond / 1000 ** power)} ${['bit', 'kbit', 'Mbit', 'Gbit'][power]}/s`
}

/** A count with thousands separators: `1,382,140`; a rate below 100 keeps its decimals. */
export function formatCount(value: number): string {
  if (value !== 0 && value < 100 && !Number.isInteger(value)) return threeFigures(value)
  return Math.round(value).toLocaleString('en-US')
}

/** A count in at most five characters: `950`, `13.8k`, `138k`, `1.4M`, `2.1G`. */
export function formatShortCount(value: number): string {
  if (value < 999.5) return formatCount(value)
  if (value < 999_500) return `${threeFigures(value / 1e3)}k`
  return value < 999_500_000 ? `${threeFigures(value / 1e6)}M` : `${threeFigures(value / 1e9)}G`
}

/** Elapsed time in whole seconds: `7s`, `2m05s`, `1h02m05s`. */
export function formatElapsed(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000)
  const two = (value: number) => String(value).padStart(2, '0')
  if (seconds < 60) return `${seconds}s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${two(seconds % 60)}s`
  return `${Math.floor(seconds / 3600)}h${two(Math.floor(seconds / 60) % 60)}m${two(seconds % 60)}s`
}

/** A share of a whole: `0 %`, `0.12 %`, `0.0031 %`, `100 %`. */
export function formatPercent(fraction: number): string {
  if (!Number.isFinite(fraction)) return '-'
  const percent = fraction * 100
  if (percent >= 1 || percent === 0) return `${threeFigures(percent)} %`
  return percent < 1e-6 ? '< 0.000001 %' : `${trimZeros(percent.toFixed(2 - Math.floor(Math.log10(percent))))} %`
}

/** A ratio with three significant figures: `1.00`, `0.239`, `0.000948`, `1,055`. */
export function formatRatio(ratio: number): string {
  if (!Number.isFinite(ratio)) return '-'
  if (ratio >= 999.5) return formatCount(ratio)
  return ratio !== 0 && ratio < 1e-6 ? '< 0.000001' : ratio.toPrecision(3)
}

/** The local time of day, `09:30:13`. */
export function formatTimeOfDay(wallClock: Date): string {
  return [wallClock.getHours(), wallClock.getMinutes(), wallClock.getSeconds()]
    .map(part => String(part).padStart(2, '0'))
    .join(':')
}

function threeFigures(value: number): string {
  if (value >= 99.95) return Math.round(value).toString()
  if (value >= 9.995) return trimZeros(value.toFixed(1))
  return trimZeros(value.toFixed(2))
}

function trimZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text
}

/** A count with its noun in singular or plural: `1 reply`, `2,300 replies`. */
export function plural(count: number, noun: string): string {
  const nouns = noun.endsWith('y') ? `${noun.slice(0, -1)}ies` : `${noun}s`
  return `${formatCount(count)} ${count === 1 ? noun : nouns}`
}

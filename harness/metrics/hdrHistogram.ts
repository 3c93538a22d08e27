import { build, encodeIntoCompressedBase64, type Histogram } from 'hdr-histogram-js'
import { bucketStart, ticksMax } from './histogram.ts'

// This is apart from histogram.ts so that workers, which only count, do not load the library: that took a third of
// their start-up time.

/** Bucket counts as an HdrHistogram, in ticks. */
export function toHdr(counts: Float64Array): Histogram {
  const histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: ticksMax,
    numberOfSignificantValueDigits: 3,
    bitBucketSize: 64,
    useWebAssembly: false,
  })
  for (let index = 0; index < counts.length; index++) {
    const count = counts[index]!
    if (count > 0) histogram.recordValueWithCount(bucketStart(index), count)
  }
  return histogram
}

/** HdrHistogram's V2 compressed encoding, base64. */
export function encodeHistogram(histogram: Histogram): string {
  return encodeIntoCompressedBase64(histogram)
}

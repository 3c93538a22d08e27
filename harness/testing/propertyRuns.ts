/** How often each property is tried: few in the quick suite, PROPERTY_RUNS in the whole one. */
export const propertyRuns = Number(process.env['PROPERTY_RUNS'] ?? 8)

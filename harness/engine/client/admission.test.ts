import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { propertyRuns } from '../../testing/propertyRuns.ts'
import { Admission } from './admission.ts'

describe('Admission', () => {
  it('returns links in the order they were offered, each once', () => {
    const admission = new Admission(3)
    for (const link of [2, 0, 2, 1]) admission.offer(link)
    expect([1, 2, 3, 4].map(() => admission.takeLink())).toEqual([2, 0, 1, -1])
    admission.offer(0)
    expect(admission.takeLink()).toBe(0)
  })

  it('refuses a request when there is no room to wait', () => {
    const admission = new Admission(1, 2)
    expect([1, 2, 3].map(time => admission.wait(time))).toEqual([true, true, false])
    expect(admission.waiting).toBe(2)
    expect(admission.takeWaiting()).toBe(1)
    expect(admission.wait(4)).toBe(true)
    expect([admission.takeWaiting(), admission.takeWaiting(), admission.waiting]).toEqual([2, 4, 0])
  })

  it('behaves as two queues, whatever comes in which order', () => {
    const steps = fc.array(fc.constantFrom('offer 0', 'offer 1', 'offer 2', 'offer 3', 'link', 'wait', 'waiting'))
    fc.assert(
      fc.property(steps, actions => {
        const admission = new Admission(4, 3)
        const model = new QueueModel()
        actions.forEach((action, time) => {
          model.apply(action, time, admission)
          expect(admission.waiting).toBe(model.times.length)
        })
      }),
      { numRuns: propertyRuns },
    )
  })
})

/** The same with plain arrays, for up to three waiting requests. */
class QueueModel {
  readonly links: number[] = []
  readonly times: number[] = []

  /** Does an action to the model and to `admission`, and compares the results. */
  apply(action: string, time: number, admission: Admission): void {
    if (action.startsWith('offer')) {
      const link = Number(action.slice(6))
      if (!this.links.includes(link)) this.links.push(link)
      admission.offer(link)
    } else if (action === 'link') expect(admission.takeLink()).toBe(this.links.shift() ?? -1)
    else if (action === 'wait') {
      const hasRoom = this.times.length < 3
      expect(admission.wait(time)).toBe(hasRoom)
      if (hasRoom) this.times.push(time)
    } else if (this.times.length > 0) expect(admission.takeWaiting()).toBe(this.times.shift())
  }
}

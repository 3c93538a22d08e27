import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Admission } from './admission.ts'

describe('Admission', () => {
  it('hands out links in the order they were offered, each once', () => {
    const admission = new Admission(3)
    for (const link of [2, 0, 2, 1]) admission.offer(link)
    expect([1, 2, 3, 4].map(() => admission.takeLink())).toEqual([2, 0, 1, -1])
    admission.offer(0)
    expect(admission.takeLink()).toBe(0)
  })

  it('refuses a request when as many wait as may', () => {
    const admission = new Admission(1, 2)
    expect([1, 2, 3].map(time => admission.wait(time))).toEqual([true, true, false])
    expect(admission.waiting).toBe(2)
    expect(admission.takeWaiting()).toBe(1)
    expect(admission.wait(4)).toBe(true)
    expect([admission.takeWaiting(), admission.takeWaiting(), admission.waiting]).toEqual([2, 4, 0])
  })

  it('is two queues, whatever comes in whichever order', () => {
    const steps = fc.array(fc.constantFrom('offer 0', 'offer 1', 'offer 2', 'offer 3', 'link', 'wait', 'waiting'))
    fc.assert(
      fc.property(steps, actions => {
        const admission = new Admission(4, 3)
        const links: number[] = []
        const times: number[] = []
        actions.forEach((action, time) => {
          if (action.startsWith('offer')) {
            const link = Number(action.slice(6))
            if (!links.includes(link)) links.push(link)
            admission.offer(link)
          } else if (action === 'link') expect(admission.takeLink()).toBe(links.shift() ?? -1)
          else if (action === 'wait') {
            expect(admission.wait(time)).toBe(times.length < 3)
            if (times.length < 3) times.push(time)
          } else if (times.length > 0) expect(admission.takeWaiting()).toBe(times.shift())
          expect(admission.waiting).toBe(times.length)
        })
      }),
    )
  })
})

import type { WorkerPlan } from '../../plan/plan.ts'

/** Which steps each link has, as its group has them. */
export class LinkSteps {
  /** By link: the steps of its loop, from the first to behind the last; none where it only listens. */
  readonly loopFrom: Int32Array
  readonly loopEnd: Int32Array
  /** By link: the steps of its handshake, behind that with the key. */
  readonly handshakeFrom: Int32Array
  readonly handshakeEnd: Int32Array
  /** By link: 1 where its steps are drawn by weight. */
  readonly isWeighted: Uint8Array
  /** By link: 1 where any of its messages takes a row of the data, and where one of its handshake does. */
  readonly usesRows: Uint8Array
  readonly handshakeUsesRows: Uint8Array

  constructor({ bank, connections, groups }: Pick<WorkerPlan, 'bank' | 'connections' | 'groups'>) {
    this.loopFrom = new Int32Array(connections)
    this.loopEnd = new Int32Array(connections)
    this.handshakeFrom = new Int32Array(connections)
    this.handshakeEnd = new Int32Array(connections)
    this.isWeighted = new Uint8Array(connections)
    this.usesRows = new Uint8Array(connections)
    this.handshakeUsesRows = new Uint8Array(connections)
    const hasRows = (from: number, end: number) => bank.steps.slice(from, end).some(({ frameCount }) => frameCount > 1)
    const areShared = bank.steps.some(
      ({ role, frameCount }) => frameCount > 1 && (role === 'heartbeat' || role === 'answer'),
    )
    let link = 0
    for (const { links, loopFrom, loopEnd, handshakeFrom, handshakeEnd, weighted } of groups) {
      const end = link + links
      this.loopFrom.fill(loopFrom, link, end)
      this.loopEnd.fill(loopEnd, link, end)
      this.handshakeFrom.fill(handshakeFrom, link, end)
      this.handshakeEnd.fill(handshakeEnd, link, end)
      this.isWeighted.fill(weighted ? 1 : 0, link, end)
      // One that only listens has no loop with which it would take the next row.
      const inHandshake = hasRows(handshakeFrom, handshakeEnd) || (areShared && loopFrom === loopEnd)
      this.handshakeUsesRows.fill(inHandshake ? 1 : 0, link, end)
      this.usesRows.fill(inHandshake || areShared || hasRows(loopFrom, loopEnd) ? 1 : 0, link, end)
      link = end
    }
  }
}

import { parseEndpoint } from '../../address.ts'
import { clientGroups, placedRequests } from '../clients.ts'
import { type Issue, issue, showPath } from '../path.ts'
import { isDatagramTarget } from '../resolve.ts'
import type { ScenarioSettings } from '../schema/schema.ts'
import { addressOf, targetsOf } from './targets.ts'

const path = ['reconnect', 'close']

/** Settings of `reconnect` that exclude each other, or need another one. */
export function reconnectIssues(settings: Partial<ScenarioSettings>): Issue[] {
  return [...closeIssues(settings), ...afterIssues(settings), ...attemptsIssues(settings)]
}

/** Why connections cannot be closed by a reset: nobody but TCP has one, and it is for connections that had their request. */
function closeIssues(settings: Partial<ScenarioSettings>): Issue[] {
  const { reconnect } = settings
  if (reconnect?.close !== 'reset') return []
  const when =
    reconnect.when === 'every-request'
      ? []
      : [issue(path, `"reset" needs reconnect.when: every-request, got ${reconnect.when}`)]
  const elsewhere = targetsOf(settings).flatMap(({ path: place, target }) => {
    const scheme = isDatagramTarget(target) ? 'udp' : parseEndpoint(addressOf(target)).scheme
    if (scheme === 'tcp') return []
    const reason = {
      udp: 'UDP has no connections',
      unix: 'a unix socket uses no ports',
      tls: 'its end is a message of its own',
    }[scheme]
    return [issue(path, `"reset" needs TCP without TLS, and ${showPath(place)} is ${scheme}: ${reason}`)]
  })
  return [...when, ...elsewhere]
}

/** A number of requests to a connection is for loads that go on over another. */
function afterIssues(settings: Partial<ScenarioSettings>): Issue[] {
  const { reconnect, load } = settings
  if (reconnect?.after === undefined) return []
  const refuse = (message: string) => [issue(['reconnect', 'after'], message)]
  if (reconnect.when !== 'failure') return refuse(`cannot be combined with reconnect.when: ${reconnect.when}`)
  if (load?.mode === 'once') return refuse('cannot be combined with load.mode: once, which ends after one pass')
  if (placedRequests(settings).some(({ kind, step }) => kind === 'loop' && step.capture !== undefined)) {
    return refuse('cannot be combined with capture in loop: a captured value is lost with its connection')
  }
  return []
}

/** Attempts are for connections that are tried again, and of which it can be told whether they could be opened. */
function attemptsIssues(settings: Partial<ScenarioSettings>): Issue[] {
  const { reconnect, load, connect } = settings
  if (reconnect?.attempts === undefined) return []
  const at = ['reconnect', 'attempts']
  if (reconnect.when === 'never') {
    return [issue(at, 'cannot be combined with reconnect.when: never, which tries each connection once')]
  }
  if (load?.mode === 'once') {
    return [issue(at, 'cannot be combined with load.mode: once, which tries each connection once')]
  }
  const isOpen = connect !== undefined && clientGroups(settings).some(group => group.connect.length === 0)
  if (!isOpen) return []
  return targetsOf(settings).flatMap(({ path: place, target }) => {
    if (!isDatagramTarget(target)) return []
    const reason = 'a UDP socket opens whether a server is there or not'
    return [issue(at, `needs a handshake (connect) over UDP, and ${showPath(place)} is udp: ${reason}`)]
  })
}

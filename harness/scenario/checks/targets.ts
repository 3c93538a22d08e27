import { isIP } from 'node:net'
import { parseEndpoint } from '../../address.ts'
import { list } from '../../invalidValue.ts'
import { clientProtocols } from '../../serverOptions.ts'
import { conflict, type Issue, issue, type Path, showPath } from '../path.ts'
import type { Target } from '../scenario.ts'
import type { ScenarioSettings } from '../schema/schema.ts'
import { portSlot } from '../schema/target.ts'

type Settings = Partial<ScenarioSettings>

/** Every target of a scenario: its own and those of its environments. */
export function targetsOf({ target, environments = {} }: Settings): { readonly path: Path; readonly target: Target }[] {
  const others = Object.entries(environments).map(([name, other]) => ({ path: ['environments', name], target: other }))
  return target ? [{ path: ['target'], target }, ...others] : others
}

/** Settings that a target, or its address, does not allow. */
export function targetIssues(settings: Settings): Issue[] {
  return [...tlsIssues(settings), ...serveIssues(settings), ...sourceIssues(settings)]
}

function tlsIssues(settings: Settings): Issue[] {
  const { tls, target, environments } = settings
  if (!tls) return []
  const issues: Issue[] = []
  const areKnown = target !== undefined && environments !== undefined
  if (areKnown && !targetsOf(settings).some(({ target }) => parseEndpoint(addressOf(target)).scheme === 'tls')) {
    issues.push(issue(['tls'], 'needs a target with a tls:// address'))
  }
  const [has, lacks] = tls.cert === undefined ? ['key', 'cert'] : ['cert', 'key']
  if ((tls.cert === undefined) !== (tls.key === undefined)) {
    issues.push(conflict(['tls', has!], `tls.${lacks} with it`, 'none'))
  }
  return issues
}

function serveIssues(settings: Settings): Issue[] {
  const { protocol } = settings
  if (!protocol) return []
  return targetsOf(settings).flatMap(({ path, target }) => {
    if (!('serve' in target)) return []
    const served = clientProtocols(target.serve)
    if (served.includes(protocol.name)) return []
    return [issue([...path, 'serve'], `the ${target.serve} server speaks ${list(served)}, not ${protocol.name}`)]
  })
}

function sourceIssues(settings: Settings): Issue[] {
  const { sourceAddresses } = settings
  if (sourceAddresses?.[0] === undefined) return []
  const path = ['sourceAddresses']
  const ownFamily = isIP(sourceAddresses[0])
  return targetsOf(settings).flatMap(({ path: place, target }) => {
    // A relay is on this machine, wherever it leads.
    const endpoint = parseEndpoint(target.relay === undefined ? addressOf(target) : 'tcp://127.0.0.1:1')
    if (endpoint.scheme === 'unix') return [issue(path, `need TCP or UDP, and ${showPath(place)} is a unix socket`)]
    const family = isIP(endpoint.host)
    if (family === 0 || family === ownFamily) return []
    return [conflict(path, `IPv${family} addresses, as ${showPath(place)} has one`, `IPv${ownFamily}`)]
  })
}

/** The address of a target, as far as it is known: one that the run starts listens at 127.0.0.1 by default. */
export function addressOf(target: Target): string {
  const address = 'address' in target ? target.address : undefined
  return (address ?? 'tcp://127.0.0.1:{port}').replaceAll(portSlot, '1')
}

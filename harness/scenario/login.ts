import { type LoginCommand, loginCommands } from '../protocols/resp/respLogin.ts'
import type { Scenario } from './scenario.ts'

/** The commands with which the settings of Redis' protocol begin each connection, before the steps of `connect`. */
export function loginOf({ protocol }: Pick<Scenario, 'protocol'>): LoginCommand[] {
  return protocol.name === 'resp' ? loginCommands(protocol) : []
}

/** How a protocol that comes as a description is found: by the scheme of a URL, and by its usual port. */
export interface DescribedProtocol {
  /** The first is the usual one. */
  readonly schemes: readonly string[]
  readonly port: number
  /** Over TLS; absent where nobody does that. */
  readonly secure?: { readonly schemes: readonly string[]; readonly port: number }
  /** The setting that the path of a URL is, without its slash; a URL has no path where there is none. */
  readonly path?: string
  /** Its messages are datagrams, unless the address is one of TCP: then the description is that for streams. */
  readonly overUdp?: true
}

/** The protocols that come as descriptions in the folder `protocols`, by name. */
export const describedProtocols: Readonly<Record<string, DescribedProtocol>> = {
  amqp: { schemes: ['amqp'], port: 5672, secure: { schemes: ['amqps'], port: 5671 }, path: 'vhost' },
  dns: { schemes: ['dns'], port: 53, path: 'name', overUdp: true },
  memcached: { schemes: ['memcached'], port: 11211 },
  modbus: { schemes: ['modbus'], port: 502 },
  mqtt: { schemes: ['mqtt'], port: 1883, secure: { schemes: ['mqtts'], port: 8883 } },
  mysql: { schemes: ['mysql', 'mariadb'], port: 3306, path: 'database' },
  nats: { schemes: ['nats'], port: 4222 },
  // Neither mysql nor postgres begins with TLS: a connection asks for it later.
  postgres: { schemes: ['postgres', 'postgresql'], port: 5432, path: 'database' },
  smtp: { schemes: ['smtp'], port: 25, secure: { schemes: ['smtps'], port: 465 }, path: 'to' },
  stomp: { schemes: ['stomp'], port: 61613, path: 'destination' },
  websocket: { schemes: ['ws'], port: 80, secure: { schemes: ['wss'], port: 443 }, path: 'path' },
}

export const describedNames: readonly string[] = Object.keys(describedProtocols)

/** The protocol that a scheme such as `mqtt` names, and whether over TLS; undefined for other schemes. */
export function describedByScheme(
  scheme: string,
): { readonly name: string; readonly protocol: DescribedProtocol; readonly isSecure: boolean } | undefined {
  for (const [name, protocol] of Object.entries(describedProtocols)) {
    if (protocol.schemes.includes(scheme)) return { name, protocol, isSecure: false }
    if (protocol.secure?.schemes.includes(scheme)) return { name, protocol, isSecure: true }
  }
  return undefined
}

/** Every scheme of a URL that names such a protocol. */
export const describedSchemes: readonly string[] = Object.values(describedProtocols).flatMap(({ schemes, secure }) => [
  ...schemes,
  ...(secure?.schemes ?? []),
])

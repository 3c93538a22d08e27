import type { Login, LoginAct } from '../login.ts'

/** The server's half of a connection: whole messages in, whole messages out. */
export interface LoginServer {
  /** What it says first. */
  greeting(): Uint8Array[]
  received(message: Uint8Array): Uint8Array[]
}

/** Goes through a login with a server; returns how it ends, and all that the client has sent. */
export function dialogue(login: Login, server: LoginServer): { readonly end: LoginAct; readonly sent: Buffer[] } {
  const sent: Buffer[] = []
  const waiting = server.greeting()
  let act = login.next(undefined)
  while (act.kind === 'send' || act.kind === 'wait') {
    if (act.kind === 'send') {
      sent.push(Buffer.from(act.bytes))
      waiting.push(...server.received(act.bytes))
    }
    const message = waiting.shift()
    if (message === undefined) throw new Error('the client waits, and the server has nothing to say')
    act = login.next(message)
  }
  return { end: act, sent }
}

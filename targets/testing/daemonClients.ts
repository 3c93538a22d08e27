import { expect, type TestContext } from 'vitest'
import { parseListen } from '../../harness/listenAddress.ts'
import { bytesOf } from '../../harness/protocols/testing/bytes.ts'
import { Client } from './client.ts'
import { DaemonFolder } from './daemon.ts'

/** A TLV message. */
export const message = bytesOf({ u32: 5 }, { u32: 1 }, 'hello')

/** A folder for the servers of one test, and clients of the only one in it; all end with the test. */
export function setUpDaemons({ onTestFinished }: TestContext) {
  const daemons = new DaemonFolder()
  const clients: Client[] = []
  onTestFinished(async () => {
    for (const client of clients) client.socket.destroy()
    await daemons.remove()
  })
  async function connect(): Promise<Client> {
    const client = await Client.connect(parseListen(daemons.state().address)!)
    clients.push(client)
    return client
  }
  return { daemons, connect }
}

export async function ask(client: Client): Promise<void> {
  client.write(message)
  expect(await client.take(message.length)).toEqual(message)
}

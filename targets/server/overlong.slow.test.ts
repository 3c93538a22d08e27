import { execFileSync } from 'node:child_process'
import { afterEach, expect, test } from 'vitest'
import type { ListenAddress } from '../../harness/listenAddress.ts'
import { bytesOf } from '../../harness/protocols/testing/bytes.ts'
import { overlongText } from '../services/tlv.ts'
import { killServers, ServerChild } from '../testing/child.ts'
import { Client, until } from '../testing/client.ts'

const mebibyte = 1024 * 1024
const announced = 64 * mebibyte
const piece = new Uint8Array(64 * 1024).fill(0xff)
const header = bytesOf({ u32: announced }, { u32: 3 })
const refusal = bytesOf({ u32: 27 }, { u32: 3 }, overlongText)
const hello = bytesOf({ u32: 5 }, { u32: 1 }, 'hello')

afterEach(killServers)

/** Resident memory of a process, in bytes. */
function rssBytes(pid: number): number {
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })) * 1024
}

/** Sends an over-long message, or only its beginning, and takes the reply to it. */
async function sendOverlong(address: ListenAddress, bytes: number): Promise<void> {
  const client = await Client.connect(address)
  try {
    client.write(header)
    for (let sent = 0; sent < bytes; sent += piece.length) {
      if (!client.socket.write(piece)) await until('room to write', () => !client.socket.writableNeedDrain)
    }
    expect(await client.take(refusal.length)).toEqual(refusal)
    if (bytes < announced) return
    client.write(hello)
    expect(await client.take(hello.length)).toEqual(hello)
  } finally {
    client.socket.destroy()
  }
}

test('a thousand messages of 64 MiB do not grow the memory of a TLV server', async () => {
  const child = ServerChild.start(['tlv', '--listen', '127.0.0.1:0'], { ipc: true })
  const address = await child.address()
  const pid = child.process.pid!
  // The first messages of a process allocate memory that stays with the process.
  for (let index = 0; index < 50; index++) await sendOverlong(address, piece.length)
  const before = rssBytes(pid)
  let most = 0
  for (let round = 0; round < 100; round++) {
    await Promise.all(Array.from({ length: 10 }, () => sendOverlong(address, piece.length)))
    if (round % 10 === 0) most = Math.max(most, rssBytes(pid))
  }
  for (let whole = 0; whole < 3; whole++) {
    await sendOverlong(address, announced)
    most = Math.max(most, rssBytes(pid))
  }
  expect(most - before).toBeLessThan(32 * mebibyte)
  const last = () => child.messages.findLast(message => message.type === 'stats')
  // Each message was answered, and the connections whose message was sent to its end were still served.
  await until('all of them', () => last()?.requests === 1056)
  expect(last()).toMatchObject({ rejected: 1053 })
})

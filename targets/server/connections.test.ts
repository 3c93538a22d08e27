import { expect, test } from 'vitest'
import { Connections } from './connections.ts'

function add(connections: Connections<{ link: number; name: string }>, name: string) {
  const connection = { link: connections.nextLink(), name }
  connections.set(connection)
  return connection
}

test('Connections finds open connections by link, and reuses a free link', () => {
  const connections = new Connections<{ link: number; name: string }>(10)
  const [a, b, c] = ['a', 'b', 'c'].map(name => add(connections, name))
  expect([a!.link, b!.link, c!.link]).toEqual([0, 1, 2])
  expect(connections.get(1)).toBe(b)
  expect(connections.delete(b!)).toBe(true)
  expect(connections.delete(b!)).toBe(false)
  expect(connections.get(1)).toBeUndefined()
  expect(connections.length).toBe(2)
  expect(add(connections, 'd').link).toBe(1)
  expect(add(connections, 'e').link).toBe(3)
  expect([...connections].map(({ name }) => name)).toEqual(['a', 'c', 'd', 'e'])
})

test('isFull says whether there is room for one more connection', () => {
  const connections = new Connections<{ link: number; name: string }>(2)
  const first = add(connections, 'a')
  expect(connections.isFull).toBe(false)
  add(connections, 'b')
  expect(connections.isFull).toBe(true)
  connections.delete(first)
  expect(connections.isFull).toBe(false)
})

test('Connections allows that connections are removed during an iteration', () => {
  const connections = new Connections<{ link: number; name: string }>(10)
  for (const name of ['a', 'b', 'c']) add(connections, name)
  const seen: string[] = []
  for (const connection of connections) {
    seen.push(connection.name)
    if (connection.name === 'a') connections.delete(connections.get(1)!)
  }
  expect(seen).toEqual(['a', 'c'])
})

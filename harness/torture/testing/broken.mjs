// A server of frames with a 4-byte length that has one fault: `node broken.mjs <fault> <port>`; port 0 is a free one,
// which is then printed. Plain JavaScript, because a child process loads it as it is.
import net from 'node:net'

const [fault, port] = process.argv.slice(2)
const headerBytes = 4

/** Connections whose last frame is not whole, of the server that serves one at a time. */
const turns = []

function frame(body) {
  const bytes = Buffer.alloc(headerBytes + body.length)
  bytes.writeUInt32BE(body.length)
  body.copy(bytes, headerBytes)
  return bytes
}

/** Answers the whole frames of what came in with themselves; what is left over is kept. */
function answer(connection) {
  while (connection.rest.length >= headerBytes) {
    const length = connection.rest.readUInt32BE()
    if (fault === 'allocates') connection.body ??= Buffer.alloc(length)
    if (connection.rest.length < headerBytes + length) return
    connection.body = undefined
    connection.socket.write(connection.rest.subarray(0, headerBytes + length))
    connection.rest = connection.rest.subarray(headerBytes + length)
  }
}

/** One connection after the other: who has begun a frame is waited for. */
function answerInTurn(connection) {
  if (!turns.includes(connection)) turns.push(connection)
  while (turns.length > 0) {
    answer(turns[0])
    if (turns[0].rest.length > 0 && !turns[0].isGone) return
    turns.shift()
  }
}

const server = net.createServer(socket => {
  const connection = { socket, rest: Buffer.alloc(0), isGone: false }
  if (fault !== 'dies') socket.on('error', () => {})
  socket.on('close', () => {
    connection.isGone = true
    connection.rest = Buffer.alloc(0)
    if (fault === 'blocks') answerInTurn(connection)
  })
  socket.on('data', chunk => {
    if (fault === 'reads') socket.write(frame(chunk.subarray(headerBytes)))
    else {
      connection.rest = Buffer.concat([connection.rest, chunk])
      if (fault === 'blocks') answerInTurn(connection)
      else answer(connection)
      // A length that cannot be is no reason to keep what comes.
      if (connection.rest.length > 1024 * 1024) socket.destroy()
    }
    // Whoever does not read is to be waited for.
    if (fault !== 'hoards' && socket.writableLength > 1024 * 1024) {
      socket.pause()
      socket.once('drain', () => socket.resume())
    }
  })
})
server.listen(Number(port), '127.0.0.1', 1024, () => console.log(server.address().port))

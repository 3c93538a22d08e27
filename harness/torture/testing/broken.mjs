// A server of frames with a 4-byte length that has one fault: `node broken.mjs <fault> <port>`. It prints its port, which
// is a free one for 0. Plain JavaScript, because node runs it without compiling.
import net from 'node:net'

const [fault, port] = process.argv.slice(2)
const headerBytes = 4

/** Connections with an incomplete frame, for the server that serves one at a time. */
const queue = []

function frame(body) {
  const bytes = Buffer.alloc(headerBytes + body.length)
  bytes.writeUInt32BE(body.length)
  body.copy(bytes, headerBytes)
  return bytes
}

/** Echoes the whole frames received so far and keeps the rest. */
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

/** Serves one connection at a time: one with an incomplete frame keeps the others waiting. */
function answerOneByOne(connection) {
  if (!queue.includes(connection)) queue.push(connection)
  while (queue.length > 0) {
    answer(queue[0])
    if (queue[0].rest.length > 0 && !queue[0].isClosed) return
    queue.shift()
  }
}

const server = net.createServer(socket => {
  const connection = { socket, rest: Buffer.alloc(0), isClosed: false }
  if (fault !== 'dies') socket.on('error', () => {})
  socket.on('close', () => {
    connection.isClosed = true
    connection.rest = Buffer.alloc(0)
    if (fault === 'blocks') answerOneByOne(connection)
  })
  socket.on('data', chunk => {
    if (fault === 'reads') socket.write(frame(chunk.subarray(headerBytes)))
    else {
      connection.rest = Buffer.concat([connection.rest, chunk])
      if (fault === 'blocks') answerOneByOne(connection)
      else answer(connection)
      // An impossible length must not make the server keep all that it receives.
      if (connection.rest.length > 1024 * 1024) socket.destroy()
    }
    // A client that does not read must wait.
    if (fault !== 'hoards' && socket.writableLength > 1024 * 1024) {
      socket.pause()
      socket.once('drain', () => socket.resume())
    }
  })
})
server.listen(Number(port), '127.0.0.1', 1024, () => console.log(server.address().port))

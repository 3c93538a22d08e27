// The server for the transport contract, in a thread of its own: a transport may block the thread it runs in.
// Plain JavaScript, because a thread loads it directly.
import { createSocket } from 'node:dgram'
import net from 'node:net'
import tls from 'node:tls'
import { parentPort, workerData } from 'node:worker_threads'

const { scheme, host, path, peer, certificate } = workerData

/** @param {net.Socket} socket */
function play(socket) {
  socket.on('error', () => {})
  if (peer === 'echo') socket.on('data', bytes => socket.write(bytes))
  if (peer === 'namer') socket.write(`${socket.remoteAddress};`)
  if (peer === 'caller') socket.write(`${socket.remoteAddress} ${socket.remotePort};`)
  if (peer === 'silent' || peer === 'close-on-accept') socket.resume()
  if (peer === 'close-on-accept') socket.end()
  if (peer === 'close-on-data') socket.once('data', () => socket.end())
  if (peer === 'reset-on-data') {
    socket.once('data', () => (scheme === 'tcp' ? socket.resetAndDestroy() : socket.destroy()))
  }
  if (peer === 'not-reading') socket.pause()
}

if (scheme === 'udp') {
  const socket = createSocket(host === '::1' ? 'udp6' : 'udp4')
  socket.on('message', (bytes, from) => {
    const reply = peer === 'namer' || peer === 'caller' ? `${from.address} ${from.port};` : bytes
    if (peer !== 'silent') socket.send(reply, from.port, from.address)
  })
  socket.bind(0, host, () => ready(socket.address().port, done => socket.close(done)))
} else {
  const server = scheme === 'tls' ? tls.createServer(certificate, play) : net.createServer(play)
  const listening = () => ready(scheme === 'unix' ? 0 : server.address().port, done => server.close(done))
  if (scheme === 'unix') server.listen(path, listening)
  else server.listen(0, host, listening)
}

function ready(port, close) {
  if (peer === 'absent') close(() => parentPort.postMessage(port))
  else parentPort.postMessage(port)
}

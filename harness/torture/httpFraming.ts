import { headEnd } from '../protocols/http/httpHead.ts'

const framingHeader = /^(content-length|transfer-encoding):/i

/** The head of an HTTP request, without its body, with this header in place of those that frame a body. */
export function withFraming(request: Uint8Array, header: string): Uint8Array {
  const head = new TextDecoder().decode(request.subarray(0, headEnd(request, 0)))
  const [startLine, ...lines] = head.trimEnd().split('\r\n')
  const kept = lines.filter(line => !framingHeader.test(line))
  return new TextEncoder().encode([startLine, ...kept, header, '', ''].join('\r\n'))
}

/** Methods that cannot be pipelined: a reply to them does not end where its head says. */
export const unframedMethods: readonly string[] = ['HEAD', 'CONNECT']

/** The longest request line or header value, in bytes: servers accept none that is longer. */
export const lineBytesMax = 64 * 1024

/** The name of a header, which is a token (RFC 9110, section 5.6.2). */
export const headerNamePattern = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

const methodPattern = /^[A-Z][A-Z0-9_-]{0,31}$/
const pathPattern = /^\/[!-~]*$/
const otherTargetPattern = /^(?:\*|https?:\/\/[!-~]*)$/
const headerValuePattern = /^[^\0-\x08\x0a-\x1f\x7f]*$/
const requestLinePattern = /^([A-Za-z]+) (.+)$/s

/** Whether a text can be sent as a method. */
export function isMethod(text: string): boolean {
  return methodPattern.test(text)
}

/** Whether a text is a path with its query: visible ASCII from a slash on. */
export function isPath(text: string): boolean {
  return pathPattern.test(text)
}

/** Whether a text can be sent as the target of a request: a path, a whole URL for a proxy, or `*`. */
export function isRequestTarget(text: string): boolean {
  return isPath(text) || otherTargetPattern.test(text)
}

/** Whether a text can be sent as the value of a header: it has no line ends, and no control characters except tabs. */
export function isHeaderValue(text: string): boolean {
  return headerValuePattern.test(text)
}

/** Method and path of a text such as `GET /users/7`, both unchecked; undefined where one of them is missing. */
export function splitRequestLine(text: string): { readonly method: string; readonly path: string } | undefined {
  const [, method, path] = requestLinePattern.exec(text) ?? []
  return method === undefined || path === undefined ? undefined : { method, path }
}

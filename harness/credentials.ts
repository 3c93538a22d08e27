/** Headers that log somebody in: by their names, or by how such names end, as in X-Api-Key and X-Amz-Security-Token. */
const ends = [
  ...['authorization', 'cookie2?', 'tokens?', 'jwt', 'auth', 'secret', 'password', 'passwd', 'credentials?'],
  ...['session(?:[-_]?id)?', 'signature(?:-\\d+)?'],
  '(?:api|access|auth|subscription|functions|private|secret|service)[-_]?key',
]
const credentialName = new RegExp(`(?:^|[-_])(?:${ends.join('|')})$`, 'i')
/** A shorter value of a cookie is a word such as `true`, which is part of many replies. */
const cookieCharactersMin = 8
const slot = /\{\{[^}]*\}\}/g

/** Whether an HTTP header of this name carries credentials, which are never shown or saved. */
export function isCredentialHeader(name: string): boolean {
  return credentialName.test(name)
}

/** Whether a header's value is filled in as requests are sent, as in `Bearer {{token}}`: such a text is no secret itself. */
export function isTemplate(value: string): boolean {
  return value.includes('{{') && /^(?:[\w-]+[ =])?$/.test(value.replaceAll(slot, ''))
}

/**
 * What must not be shown of the value of such a header, as a server may send back a part of it: the whole, what is behind
 * its scheme (`Bearer`, `Basic`), the user and password of `Basic`, and long values of cookies.
 */
export function credentialsOf(value: string): string[] {
  const [, scheme = '', token] = /^([A-Za-z][\w-]*) +(\S.*)$/.exec(value) ?? []
  const login = scheme.toLowerCase() === 'basic' ? Buffer.from(token!, 'base64').toString() : ''
  const password = login.includes(':') ? login.slice(login.indexOf(':') + 1) : ''
  const cookies = value.split(';').flatMap(part => /^\s*[^=\s]+=(.*?)\s*$/.exec(part)?.[1] ?? [])
  const long = cookies.filter(cookie => cookie.length >= cookieCharactersMin)
  return [...new Set([value, token ?? '', login, password, ...long])].filter(part => part !== '')
}

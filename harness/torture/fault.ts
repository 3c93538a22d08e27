/** What a server did wrong, as seen from outside. */
export class ServerFault extends Error {
  override readonly name = 'ServerFault'
}

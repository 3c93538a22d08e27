/** What a server did wrong, as a client sees it. */
export class ServerFault extends Error {
  override readonly name = 'ServerFault'
}

import { readBoundedSync } from '../wholeFile.ts'

/** Where systems keep the certificates they trust, as crypto/x509 of Go looks for them: Debian, Fedora, SUSE, Alpine and macOS. */
const bundles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
]
const bytesMax = 16 * 1024 * 1024

/**
 * The certificates that this system trusts, in PEM; undefined where there are none, and Node's own are used. As for
 * other programs SSL_CERT_FILE names another file, and as for Node NODE_EXTRA_CA_CERTS one whose certificates are added.
 */
export function systemCertificates(environment: NodeJS.ProcessEnv = process.env): string[] | undefined {
  const { SSL_CERT_FILE: named, NODE_EXTRA_CA_CERTS: more } = environment
  for (const file of named ? [named] : bundles) {
    const bundle = read(file)
    if (bundle === undefined) continue
    const added = more ? read(more) : undefined
    return added === undefined ? [bundle] : [bundle, added]
  }
  return undefined
}

function read(file: string): string | undefined {
  try {
    return readBoundedSync(file, { what: 'a file of certificates', bytesMax }).toString('latin1')
  } catch {
    return undefined
  }
}

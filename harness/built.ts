import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of package.json, both for code in the sources and for code in `dist`. */
export const packageRoot: string = findPackageRoot(dirname(fileURLToPath(import.meta.url)))

/** The compiled file of a source module such as `harness/engine/worker`, for threads and child processes. */
export function builtFile(module: string): string {
  return join(packageRoot, 'dist', `${module}.js`)
}

function findPackageRoot(folder: string): string {
  if (existsSync(join(folder, 'package.json'))) return folder
  const parent = dirname(folder)
  if (parent === folder)
    throw new Error('the installation of volley is incomplete: there is no package.json above its code')
  return findPackageRoot(parent)
}

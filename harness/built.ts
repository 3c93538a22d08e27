import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder that holds package.json, whether this runs from the sources or from `dist`. */
export const packageRoot: string = findPackageRoot(dirname(fileURLToPath(import.meta.url)))

/** The compiled form of a source module, for threads and child processes: `engine/worker` is `dist/harness/...`. */
export function builtFile(module: string): string {
  return join(packageRoot, 'dist', `${module}.js`)
}

function findPackageRoot(folder: string): string {
  if (existsSync(join(folder, 'package.json'))) return folder
  const parent = dirname(folder)
  if (parent === folder) throw new Error('volley is not installed whole: no package.json above its own code')
  return findPackageRoot(parent)
}

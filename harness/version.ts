import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from './built.ts'

/** The version in package.json. */
export const toolVersion: string = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')).version

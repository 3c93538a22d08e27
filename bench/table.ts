import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { packageRoot } from '../harness/built.ts'
import { printError } from '../harness/cli/errors.ts'
import { exitCode, UserError } from '../harness/errors.ts'
import { prepareFolder } from '../harness/report/save.ts'
import { renderTable, withTable } from './readme.ts'
import { readResults } from './results.ts'

/**
 * Writes the README's table from results: `npm run bench:table -- bench/results/<time>.json` also keeps these results
 * in `bench/results/readme.json`; without a file the table is written from the results kept there.
 */
async function main([source]: readonly string[]): Promise<void> {
  const kept = join(packageRoot, 'bench/results/readme.json')
  const readme = join(packageRoot, 'README.md')
  const from = source === undefined ? kept : resolve(source)
  const table = renderTable(await readResults(from))
  const text = withTable(await readFile(readme, 'utf8'), table)
  if (text === undefined)
    throw new UserError('README.md has no markers "<!-- bench:begin -->" and "<!-- bench:end -->"')
  await prepareFolder(dirname(kept))
  if (from !== kept) await copyFile(from, kept)
  await writeFile(readme, text)
  console.log(`README.md now has the table of ${from}`)
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof UserError)) throw error
  printError(error, process.stderr)
  process.exitCode = exitCode.couldNotRun
}

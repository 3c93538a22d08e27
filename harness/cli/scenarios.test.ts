import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { packageRoot } from '../built.ts'
import { scenarioJsonSchema } from '../scenario/schema/jsonSchema.ts'
import { cleanUp, volley } from './testing/volley.ts'

afterEach(cleanUp)

const folder = join(packageRoot, 'scenarios')
const files = readdirSync(folder).filter(file => file.endsWith('.yaml'))

test.each(files)('%s names the schema in its first comment', file => {
  const text = readFileSync(join(folder, file), 'utf8')
  expect(text.split('\n')[0]).toBe('# yaml-language-server: $schema=./scenario.schema.json')
})

test('scenario.schema.json equals the output of "volley schema"', async () => {
  const { code, stdout } = await volley('schema')
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toEqual(JSON.parse(JSON.stringify(scenarioJsonSchema())))
  expect(readFileSync(join(folder, 'scenario.schema.json'), 'utf8')).toBe(stdout)
})

test('volley validate and volley list accept every shipped scenario', async () => {
  const validated = await volley('validate', ...files.map(file => join('scenarios', file)))
  expect(validated).toMatchObject({ code: 0, stderr: '' })
  const listed = await volley('list')
  expect(listed.stdout.trim().split('\n')).toHaveLength(files.length)
  expect(listed.stdout).not.toContain('faults')
})

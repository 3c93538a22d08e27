import { UserError } from '../errors.ts'
import { show } from '../invalidValue.ts'
import { isKeyPath } from './checks/keys.ts'
import type { Override } from './overrides.ts'
import { readSetting, SettingError } from './yaml/source.ts'

/** Reads `load.pipeline=4` or `loop[0].send=hello`, the value as YAML; throws a UserError for other texts. */
export function parseSet(text: string): Override {
  const [, keys, value] = /^([^=]+)=(.*)$/s.exec(text) ?? []
  const path = keys === undefined ? undefined : parsePath(keys.trim())
  if (path === undefined) {
    throw new UserError([{ place: '--set', message: `expected path=value such as load.pipeline=4, got ${show(text)}` }])
  }
  const origin = `--set ${keys!.trim()}`
  return { path, value: isKeyPath(path) ? value : settingValue(value!, origin), origin }
}

/** Reads the value of a setting as YAML; a UserError names `origin`, the flag or variable that it came from. */
export function settingValue(text: string, origin: string): unknown {
  try {
    return readSetting(text)
  } catch (error) {
    if (!(error instanceof SettingError)) throw error
    throw new UserError([{ place: origin, message: `${error.message}; put the value in quotes to make it text` }])
  }
}

/** The keys of a path such as `loop[0].send` or `loop.0.send`; undefined where one is empty. */
export function parsePath(text: string): (string | number)[] | undefined {
  const keys = text.replaceAll(/\[(\d+)\]/g, '.$1').split('.')
  if (keys.some(key => key === '')) return undefined
  return keys.map(key => (/^\d{1,9}$/.test(key) ? Number(key) : key))
}

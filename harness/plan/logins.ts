import { loginSystems } from '../protocols/logins/catalog.ts'
import type { LoginName, LoginSettings } from '../protocols/logins/login.ts'
import type { LoginStep } from '../scenario/scenario.ts'
import type { PlannedStep } from './bank.ts'

/** What is planned of a login: who logs in to what, and the format of single messages while that lasts. */
export function plannedLogin(login: LoginStep): Pick<PlannedStep, 'login' | 'form' | 'listens'> {
  const [[system, settings]] = Object.entries(login) as [[LoginName, LoginSettings]]
  const { format, speaksFirst } = loginSystems[system]
  return {
    login: { system, ...settings },
    form: { spec: format, isOther: true },
    ...(speaksFirst && { listens: true as const }),
  }
}

import type { LoginName, LoginSystem } from './login.ts'
import { mysqlLogin } from './mysql.ts'
import { postgresLogin } from './postgres.ts'

/** How connections log in, by the name of the system. */
export const loginSystems: Readonly<Record<LoginName, LoginSystem>> = { postgres: postgresLogin, mysql: mysqlLogin }

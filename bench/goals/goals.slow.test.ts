import { smokeRun } from './testing/smokeRun.ts'

smokeRun(['P1', 'P3', 'P4', 'P7', 'P9', 'P12'])

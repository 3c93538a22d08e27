import { z } from 'zod'
import { choice, duration, flag, hourMs, listOf, mapping } from '../../fields.ts'
import { list } from '../../invalidValue.ts'
import { type Heartbeat, limits, type MixStep, type RandomPause, type Step } from '../scenario.ts'
import { captureSchema } from './capture.ts'
import { expectSchema } from './expectation.ts'
import { loginSchema } from './login.ts'
import { sendSchema } from './payload.ts'
import { replyFormSchema } from './replyForm.ts'

const weightMax = 1_000_000
const meanMsMin = 0.001

const randomPauseShape = {
  mean: duration({ min: meanMsMin, max: hourMs }).describe('The mean of the pauses, such as 1s'),
  spread: choice(['exponential', 'uniform']).describe(
    'exponential: as independent users pause, up to 10 times the mean; uniform: from 0 to twice the mean',
  ),
} satisfies Record<keyof RandomPause, z.ZodType>

// The mapping comes first: it tells by its kind whether it was meant.
const think = z.union([mapping(randomPauseShape, 'a mapping with mean and spread'), duration({ min: 0, max: hourMs })])

const stepShape = {
  send: sendSchema,
  expect: expectSchema.exactOptional(),
  reply: replyFormSchema
    .exactOptional()
    .describe(
      'How the reply to this step ends, where it is unlike the others: { until: ... }, { line: ... }, { frame: ... } or { bytes: 4 }',
    ),
  capture: captureSchema
    .exactOptional()
    .describe('Values that later steps of the connection use as {{name}}, and where they are in the reply'),
  think: think
    .prefault('0s')
    .describe(
      'The pause between the reply and the next request of the connection: 1s, or { mean: 1s, spread: exponential } for pauses that are drawn anew each time. The first requests of all connections are spread over the longest pause',
    ),
} satisfies Record<Exclude<keyof Step, 'listens' | 'login'>, z.ZodType>

const stepForms = 'a mapping with send and, optionally, expect, reply, capture and think'
const step = mapping(stepShape, stepForms).meta({
  id: 'step',
  description: 'One request, and what is expected of its reply',
})

const mixStepShape = {
  ...stepShape,
  weight: z
    .number('expected a number above 0')
    .gt(0, 'expected a number above 0')
    .max(weightMax, `expected a number up to ${weightMax}`)
    .prefault(1)
    .describe('How often the step is drawn, relative to the weights of the others'),
} satisfies Record<Exclude<keyof MixStep, 'listens' | 'login'>, z.ZodType>

/** The steps of an iteration, one after the other. */
export const loopSchema = listOf(step, 'steps', 1, limits.stepsMax)

const listenForms = 'send, or expect for what the server says by itself, or login'
/** What a login has itself: its messages, and what is expected of the replies. */
const besideLogin = ['send', 'expect', 'reply', 'capture'] as const
const connectShape = {
  ...stepShape,
  send: sendSchema.exactOptional(),
  login: loginSchema
    .exactOptional()
    .describe(
      'Instead of send: logs in, with as many messages as the server wants; { postgres: { user, password, database } }, or mysql',
    ),
}
const connectStep = mapping(connectShape, stepForms)
  .superRefine((given, context) => {
    const { send, expect, login } = given
    const beside = besideLogin.filter(key => given[key] !== undefined)
    if (login !== undefined && beside.length > 0) {
      context.addIssue({ code: 'custom', message: `expected login alone, got ${list(['login', ...beside])}` })
    }
    if (send !== undefined || expect !== undefined || login !== undefined) return
    context.addIssue({ code: 'custom', message: `expected a step with ${listenForms}` })
  })
  .transform(({ send, login, ...others }): Step => {
    if (login !== undefined) return { send: '', login, ...others }
    return send === undefined ? { send: '', listens: true, ...others } : { send, ...others }
  })
  .meta({
    id: 'connectStep',
    description: 'One message of the handshake, or a login; without either it is what the server says by itself',
  })

/** The handshake of a connection. */
export const connectSchema = listOf(connectStep, 'steps', 0, limits.stepsMax)

/** Steps that are drawn at random by weight. */
export const mixSchema = listOf(mapping(mixStepShape, stepForms), 'steps', 1, limits.stepsMax)

const heartbeatShape = {
  every: duration({ min: 1, max: hourMs }).describe('The time between two heartbeats, such as 10s'),
  send: sendSchema,
  reply: flag().prefault(true).describe('Whether the server answers it'),
} satisfies Record<keyof Heartbeat, z.ZodType>

/** A message sent at intervals on every connection. */
export const heartbeatSchema = mapping(heartbeatShape, 'a mapping with every and send')

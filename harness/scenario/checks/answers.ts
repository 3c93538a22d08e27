import { answersOf, restName, restOffset } from '../answers.ts'
import { conflict, type Issue, issue } from '../path.ts'
import type { ScenarioSettings } from '../schema/schema.ts'
import { parseSlots } from '../schema/slots.ts'
import { messageIssues, textsOf } from './messages.ts'

/** What excludes answers to messages of the server, and messages that the protocol cannot send. */
export function answerIssues({ protocol, layers }: Partial<ScenarioSettings>): Issue[] {
  return answersOf(protocol).flatMap(({ path, to, send }) => {
    const usesRest = textsOf(send).some(({ text }) =>
      parseSlots(text).some(part => 'name' in part && part.name === restName),
    )
    return [
      ...(layers === undefined ? [] : [issue(path, 'cannot be combined with layers, which hide what is asked')]),
      ...messageIssues(path, { send, isAnswer: true }, protocol),
      ...(usesRest && restOffset(to) === undefined
        ? [conflict([...path, 'to'], `texts of one length where {{${restName}}} is what stands behind them`, 'several')]
        : []),
    ]
  })
}

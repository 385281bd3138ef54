import { type Checks, isUnknown } from '../../core/checks';

/** Validates a command in exec form. */
export function checkCommand(checks: Checks, prop: string, command: string[] | undefined): void {
  const words = command ?? [];
  checks
    .optional(prop, command, () => words.length > 0 && words.every((word) => word !== ''), {
      must: 'be a list of at least one word, none of them empty',
      remedy: 'Give program and arguments one by one, as in the exec form of a Dockerfile.',
    })
    .optional(prop, command, () => isUnknown(words[0]) || !/\s/.test(words[0] ?? ''), {
      must: 'be split into words: the first one is the program, and no shell takes it apart',
      remedy: "Write it as in ['python', 'manage.py', 'migrate'].",
    });
}

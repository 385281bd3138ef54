/**
 * The line of a process's output that most likely says why it ended.
 *
 * That is the last exception, otherwise the last line that mentions an error, otherwise the last line.
 */
export function lastError(task: { readonly logs: { last(count?: number): string[] } }): string {
  const lines = task.logs
    .last(300)
    .map(plain)
    .filter((line) => line.trim() !== '')
    .reverse();
  const found =
    lines.find((line) => /^[\w.]*(Error|Exception|Configured|Exist|Interrupt)\b.*:/.test(line)) ??
    lines.find((line) => /\b(error|critical|fatal|refused|denied|unknown)\b/i.test(line)) ??
    lines[0] ??
    'no output';
  return found.slice(0, 500);
}

/** JSON logs carry the traceback in one field and the sentence in another. */
function plain(line: string): string {
  if (!line.startsWith('{')) {
    return line;
  }
  try {
    const { exception, message } = JSON.parse(line);
    return String(exception === undefined ? message : String(exception).trimEnd().split('\n').pop());
  } catch {
    return line;
  }
}

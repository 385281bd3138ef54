/** Lines of an exception's sentence that are shown. */
const SENTENCE = 4;

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
  const exception = lines.findIndex((line) => /^[\w.]*(Error|Exception|Configured|Exist|Interrupt)\b.*:/.test(line));
  const found =
    (exception < 0 ? undefined : whole(lines, exception)) ??
    lines.find((line) => /\b(error|critical|fatal|refused|denied|unknown)\b/i.test(line)) ??
    lines[0] ??
    'no output';
  return found.slice(0, 500);
}

/** An exception whose sentence begins on the line after its name. The last line comes first. */
function whole(lines: readonly string[], index: number): string {
  const sentence = lines.slice(Math.max(0, index - SENTENCE), index).reverse();
  const name = lines[index].trim();
  return name.endsWith(':') ? [name, ...sentence.map((line) => line.trim())].join(' ') : lines[index];
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

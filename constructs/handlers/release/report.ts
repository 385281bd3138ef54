export interface ReleaseFailure {
  readonly what: string;
  readonly reason?: string;
  readonly group: string;
  readonly stream: string;
  /** Oldest first. */
  readonly lines: string[];
}

/** CloudFormation shows 4 KB of the whole answer; the provider framework adds a line of its own. */
const LIMIT = 3_000;
const LINE_LIMIT = 400;

/** What CloudFormation shows when a release failed: the end of the log is worth more than its beginning. */
export function failureText({ what, reason, group, stream, lines }: ReleaseFailure): string {
  const head = `Release failed: ${what}${reason === undefined ? '' : ` (${cut(reason)})`}. Log group ${group}, stream ${stream}.`;
  const kept: string[] = [];
  let room = LIMIT - Buffer.byteLength(head);
  for (const line of [...lines].reverse().map((text) => cut(redacted(text)))) {
    room -= Buffer.byteLength(line) + 1;
    if (room < 0) {
      break;
    }
    kept.unshift(line);
  }
  return [kept.length === 0 ? `${head} It has no lines.` : `${head} Its last lines:`, ...kept].join('\n');
}

/** Whoever may see the events of a stack may not always read its secrets. */
export function redacted(text: string): string {
  return text
    .replace(/(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]*):[^\s@]+@/gi, '$1:***@')
    .replace(
      /((?:pass(?:word|wd)?|secret|token|key|credential)[\w-]*["']?\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s,;)}]+)/gi,
      '$1***',
    )
    .replace(/\beyJ[\w-]+\.[\w-]+\.[\w-]*/g, '***')
    .replace(/\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g, '***');
}

function cut(text: string): string {
  return text.length > LINE_LIMIT ? `${text.slice(0, LINE_LIMIT)}…` : text;
}

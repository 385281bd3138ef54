import { redacted, redactedLines } from '../shared/redacted';

export interface ReleaseFailure {
  readonly what: string;
  readonly reason?: string;
  readonly group: string;
  readonly stream: string;
  /** Oldest first. Not given: they are not to be shown. */
  readonly lines?: string[];
}

/** CloudFormation shows 4 KB of the whole answer; the provider framework adds a line of its own. */
const LIMIT = 3_000;
const LINE_LIMIT = 400;

/** What CloudFormation shows when a release failed: the end of the log is worth more than its beginning. */
export function failureText({ what, reason, group, stream, lines }: ReleaseFailure): string {
  const why = reason === undefined ? '' : ` (${cut(redacted(reason))})`;
  const head = `Release failed: ${what}${why}. Log group ${group}, stream ${stream}.`;
  if (lines === undefined) {
    return head;
  }
  const kept: string[] = [];
  let room = LIMIT - Buffer.byteLength(head);
  for (const line of redactedLines(lines).reverse().map(cut)) {
    room -= Buffer.byteLength(line) + 1;
    if (room < 0) {
      break;
    }
    kept.unshift(line);
  }
  return [kept.length === 0 ? `${head} It has no lines.` : `${head} Its last lines:`, ...kept].join('\n');
}

function cut(text: string): string {
  return text.length > LINE_LIMIT ? `${text.slice(0, LINE_LIMIT)}…` : text;
}

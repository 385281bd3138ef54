import { randomUUID } from 'node:crypto';

/** A message that was sent. */
export interface Mail {
  readonly id: string;
  /** As the message has it, with a display name. */
  readonly from: string;
  /** The address alone, which policies name. */
  readonly fromAddress: string;
  readonly to: readonly string[];
  readonly subject: string;
  /** Of the message, the first part that is plain text; all of its body where it has no parts. */
  readonly text: string;
  readonly raw: string;
  readonly configurationSet?: string;
}

/** A message that SES composes. */
export interface Simple {
  readonly from: string;
  readonly to: readonly string[];
  readonly subject?: string;
  readonly text?: string;
  readonly html?: string;
}

/** What the call says beside the message. */
export interface Envelope {
  readonly from?: string;
  readonly to: readonly string[];
  readonly configurationSet?: string;
}

export function mailOf(raw: Buffer, { from, to, configurationSet }: Envelope): Mail {
  const message = raw.toString('utf8').replaceAll('\r\n', '\n');
  const { headers, body } = parts(message);
  const sender = from ?? headers.get('from') ?? '';
  const named = ['to', 'cc', 'bcc'].flatMap((name) => addresses(headers.get(name) ?? ''));
  return {
    id: `0100${randomUUID()}-000000`,
    from: sender,
    fromAddress: addresses(sender)[0] ?? '',
    to: to.length > 0 ? to.flatMap(addresses) : named,
    subject: decodedWords(headers.get('subject') ?? ''),
    text: textOf(headers, body) ?? body,
    raw: message,
    configurationSet,
  };
}

export function rawOf({ from, to, subject = '', text, html }: Simple): Buffer {
  const type = text === undefined ? 'text/html' : 'text/plain';
  const encodedSubject = `=?utf-8?B?${Buffer.from(subject).toString('base64')}?=`;
  const head = [
    `From: ${from}`,
    `To: ${to.join(', ')}`,
    `Subject: ${encodedSubject}`,
    `Content-Type: ${type}; charset=utf-8`,
  ];
  return Buffer.from(`${head.join('\n')}\n\n${text ?? html ?? ''}`);
}

function parts(message: string): { readonly headers: ReadonlyMap<string, string>; readonly body: string } {
  const end = message.indexOf('\n\n');
  const head = (end < 0 ? message : message.slice(0, end)).replace(/\n[ \t]+/g, ' ');
  const headers = new Map<string, string>();
  for (const line of head.split('\n')) {
    const colon = line.indexOf(':');
    headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  return { headers, body: end < 0 ? '' : message.slice(end + 2) };
}

/** The plain text of a message, or of the first of its parts that has some. */
function textOf(headers: ReadonlyMap<string, string>, body: string): string | undefined {
  const type = headers.get('content-type') ?? 'text/plain';
  const boundary = /boundary="?([^";]+)"?/i.exec(type)?.[1];
  if (boundary !== undefined) {
    const inner = body.split(`--${boundary}`).slice(1, -1);
    return inner
      .map((part) => parts(part.replace(/^\n/, '')))
      .map((part) => textOf(part.headers, part.body))
      .find((found) => found !== undefined);
  }
  return /^text\/plain/i.test(type) ? decoded(body, headers.get('content-transfer-encoding') ?? '') : undefined;
}

function decoded(body: string, encoding: string): string {
  switch (encoding.toLowerCase()) {
    case 'base64':
      return Buffer.from(body, 'base64').toString('utf8');
    case 'quoted-printable':
      return unquoted(body.replace(/=\n/g, ''));
    default:
      return body;
  }
}

/** `=?utf-8?q?…?=` and `=?utf-8?b?…?=`, which headers have for what is not ASCII. */
function decodedWords(text: string): string {
  return text.replace(/=\?[^?]+\?([bq])\?([^?]*)\?=(\s+(?==\?))?/gi, (_, kind: string, word: string) =>
    kind.toLowerCase() === 'b' ? Buffer.from(word, 'base64').toString('utf8') : unquoted(word.replaceAll('_', ' ')),
  );
}

function unquoted(text: string): string {
  const bytes = text.replace(/=([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return bytes === text ? text : Buffer.from(bytes, 'latin1').toString('utf8');
}

function addresses(list: string): string[] {
  // A comma within quotes is part of a display name.
  return (list.match(/(?:"[^"]*"|[^,])+/g) ?? [])
    .map((one) => (/<([^>]*)>/.exec(one)?.[1] ?? one).trim())
    .filter((one) => one.includes('@'));
}

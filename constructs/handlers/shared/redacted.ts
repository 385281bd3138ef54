/** Longer lines are cut before anything else: what is shown of one is shorter still. */
const LONGEST = 4_000;
/** How many lines a row may run on, in case its end is never seen. */
const MOST_CONTINUED = 50;

/** Names whose values are nobody's business, with a colon or an equals sign behind them. */
const SENSITIVE = [
  'pass(?:word|wd|phrase|code)?|pwd|(?<![a-z])pw|kennwort|senha|contrase|secret|token|key|credentials?|cookie|session|auth|signature|sig|dsn|otp|pin|cvv|cvc',
  'csrf|nonce|salt|jwt|bearer|webhook|licen[cs]e|e?mail|recipient|phone|mobile|first_?name|last_?name|surname|full_?name',
  'username|birth|dob|address|street|iban|card|ssn|passport|ip|remote_addr|forwarded_for',
].join('|');

/** What ends the name of a class of errors, which is no name of a value. */
const ERRORS = 'Error|Exception|Warning|Refused|Interrupted|Invalid|DoesNotExist|Mismatch';

/**
 * A quoted value to the quote that ends it, which has as many backslashes as the first one. A quote with more
 * of them is part of the value, and a value without an end goes on to the end of the line.
 */
const QUOTED = '[bru]?(?<quote>\\\\*["\'`]).*?(?:(?<!\\\\)\\k<quote>(?:\\k<quote>.*?(?<!\\\\)\\k<quote>)*|(?=\\n|$))';

/** What an error says before it quotes a value. */
const QUOTING = [
  'invalid (?:literal|input|value|isoformat)|could not convert|could not be cast|Duplicate entry|time data|out of range',
  "does not exist for|value too long|malformed \\w+ literal|can't decode|passed in|field_value was|Value(?= \\\\*['\"])",
].join('|');

interface Rule {
  readonly pattern: RegExp;
  readonly by: string;
}

/** In this order: what takes the rest of a line comes first. `\\n` is how a line ends inside of JSON. */
const RULES: Rule[] = [
  // What PostgreSQL and its clients say of rows and statements.
  {
    pattern: /(^|\n|\\n)(\s*(?:DETAIL|CONTEXT|QUERY|STATEMENT|PARAMETERS|WHERE|HINT|LINE \d+):).*?(?=\n|\\n|$)/g,
    by: '$1$2 ***',
  },
  { pattern: /(Failing row contains|Key \([^)]*\)=).*?(?=\n|\\n|$)/g, by: '$1 ***' },
  { pattern: /(\b(?:DETAIL|CONTEXT|STATEMENT):\s).*?(?=\n|\\n|$)/g, by: '$1***' },
  { pattern: /(\bVALUES\s*\().*?(?=\n|\\n|$)/gi, by: '$1***' },
  {
    pattern: /(\b(?:args|kwargs|params|parameters|body|payload|environ|argv)\\*["']?\s*[:=]).*?(?=\n|\\n|$)/gi,
    by: '$1 ***',
  },
  // A name and its value as a pair.
  {
    pattern: new RegExp(`(["'](?:[\\w-]*[_-])?(?:${SENSITIVE})[\\w-]*\\\\*["']\\s*,\\s*)${QUOTED}`, 'gi'),
    by: '$1***',
  },
  // Headers, to the end of the line: a cookie has many parts.
  {
    pattern:
      /(\b(?:Authorization|Proxy-Authorization|(?:Set-|HTTP_)?Cookie|X-[\w-]*(?:Key|Token|Auth)[\w-]*)\\*["']?\s*[:=]).*?(?=\n|\\n|$)/gi,
    by: '$1 ***',
  },
  {
    pattern:
      /(\b(?:Bearer|Basic|Digest|Negotiate|Token|ApiKey|Api-Key|AUTH PLAIN|AUTH LOGIN)\s+)(?=\S*[\d'"+/=._-])\S+/gi,
    by: '$1***',
  },
  { pattern: /(\b(?:PASSWORD|IDENTIFIED BY)\s+)'[^'\n]*'/gi, by: "$1'***'" },
  { pattern: /-----BEGIN [^-]*-----[\s\S]*?(?:-----END [^-]*-----|$)/g, by: '***' },
  // Addresses: credentials in them, what they ask, whom they call.
  { pattern: /(\b[a-z][a-z0-9+.-]*:\/\/)[^\s"'<>]*@/gi, by: '$1***@' },
  { pattern: /([?&;][\w.%[\]-]+=)[^&;\s"'<>)]+/g, by: '$1***' },
  {
    pattern: /(hooks\.slack\.com\/\w+\/|discord(?:app)?\.com\/api\/webhooks\/|api\.telegram\.org\/bot)[^\s"'<>]+/gi,
    by: '$1***',
  },
  // What somebody called by its name: in a markup, a command line, a list, and behind a colon or an arrow.
  { pattern: new RegExp(`(<[\\w:-]*(?:${SENSITIVE})[\\w-]*(?:\\s[^>\\n]*)?>)[^<\\n]+`, 'gi'), by: '$1***' },
  {
    pattern: new RegExp(
      `(\\b(?:key|name)=\\\\*["'][^"'\\n]*(?:${SENSITIVE})[^"'\\n]*["']\\s+value\\s*=\\s*)${QUOTED}`,
      'gi',
    ),
    by: '$1***',
  },
  {
    pattern: new RegExp(`(--[\\w-]*(?:${SENSITIVE})[\\w-]*(?:\\\\*["'])?,?\\s+)(?:${QUOTED}|[^\\s,\\]]+)`, 'gi'),
    by: '$1***',
  },
  { pattern: /(\s["']?(?:-u|--user)["']?[,\s]\s*["']?)[^\s"':]+:[^\s"']+/g, by: '$1***' },
  {
    pattern: new RegExp(
      `((?:${SENSITIVE})(?![a-z]*(?:${ERRORS})\\b)[\\w-]*\\]?\\)?\\\\*["'\`]?\\s*(?:[:=]|=>|->|%3A|%3D)\\s*)` +
        `(?:(?:[a-z]+)?[[({].*?(?=\\n|\\\\n|$)|${QUOTED}|[^,;)}\\]&\\n]+)`,
      'gi',
    ),
    by: '$1***',
  },
  {
    pattern:
      /(\b(?:password|passphrase|passcode|secret|token|key|pin|otp)\s+(?:is\s+|was\s+)?)(?=[^\s"'(]*\d)[^\s"'(),;]+/gi,
    by: '$1***',
  },
  // Whom a record is about: of two words, since one is what a logger or a database calls itself.
  { pattern: /(\bname\\*["']\s*:\s*)(?<quote>\\*["'])[^"'\s\\]+\s[^"'\n]*?\k<quote>/gi, by: '$1***' },
  // What is known by its form.
  { pattern: /\beyJ[\w-]{5,}(?:\.[\w-]*){0,4}/g, by: '***' },
  { pattern: /\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,}/g, by: '***' },
  {
    pattern: /\b(?:sk|pk|rk|whsec|ghp|gho|ghu|ghs|ghr|github_pat|npm|hf|shpat|shpss|dop_v1|re|lin_api)_\w{8,}/g,
    by: '***',
  },
  { pattern: /\b(?:sk|glpat|xox[a-z]|xapp|pypi|key|SG|ya29|rk|dapi|sntrys|phc|hvs)[-_.][\w.-]{12,}/g, by: '***' },
  { pattern: /\b(?:AIza|gAAAA|EAAC|NRAK-|PMAK-)[\w-]{10,}/g, by: '***' },
  { pattern: /\b\d{6,}:[A-Za-z0-9_-]{25,}/g, by: '***' },
  {
    pattern:
      /(?:\b(?:pbkdf2|argon2|bcrypt|scrypt|md5|sha1|SCRAM|unsalted)[\w-]*|\$(?:2[abxy]|5|6|y|argon2\w*|scrypt))\$[^\s"')]+/gi,
    by: '***',
  },
  { pattern: /[\w-]+:[\w-]{5,}:[\w-]{20,}/g, by: '***' },
  { pattern: /(?:"[^"\n]{1,64}"|[^\s@<>"'(),:;=[\]{}|\\/]+)@[^\s@<>"'(),:;=[\]{}|\\/]+/g, by: '***' },
  { pattern: /[\w.+-]+%40[\w.-]+/g, by: '***' },
  { pattern: /\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b/g, by: '***' },
  { pattern: /\b\d(?:[ -]?\d){12,18}\b/g, by: '***' },
  { pattern: /\+\d[\d ().-]{6,}\d/g, by: '***' },
  { pattern: /\b0\d{2,4}[ /-]\d{4,}\b/g, by: '***' },
  { pattern: /\b\d{3}-\d{2}-\d{4}\b/g, by: '***' },
  { pattern: /\b\d{1,3}(?:\.\d{1,3}){3}\b/g, by: '***' },
  {
    pattern: /(?<![\w:])(?:[0-9a-f]{1,4}:){4,7}[0-9a-f]{1,4}\b|(?<![\w:])(?:[0-9a-f]{1,4}:)+:(?:[0-9a-f]{1,4}:?)*/gi,
    by: '***',
  },
  { pattern: /[0-9a-f]{32,}|\b(?=[a-z]*\d)[a-z0-9]{32,}\b/gi, by: '***' },
  { pattern: /(?=[\w+/=-]*\d)(?=[\w+/=-]*[A-Z])(?=[\w+/=-]*[a-z])[\w+/=-]{40,}/g, by: '***' },
  // What Django and Python quote of a value, and what a model calls itself.
  { pattern: /“[^”]*”/g, by: '“***”' },
  { pattern: /(<[A-Z]\w*: )[^>]*>/g, by: '$1***>' },
  { pattern: /(\binput_value=).*?(?=, input_type=|\n|\\n|$)/g, by: '$1***' },
  { pattern: /(\bCommand # \d+ \().*?(?=\) of pipeline|\n|\\n|$)/g, by: '$1***' },
  { pattern: new RegExp(`(\\b(?:${QUOTING})[^'"\\n]*?)${QUOTED}`, 'gi'), by: '$1***' },
];

/** A statement of SQL: its literals are data. */
const SQL = /\b(?:INSERT INTO|UPDATE\b.*\bSET|DELETE FROM|SELECT\b.*\bFROM|MERGE INTO|COPY\b)/i;

/**
 * A text without rows, addresses, tokens and keys: whoever may see the events of a stack may not always read
 * its secrets. What it takes for one by mistake is masked, too.
 */
export function redacted(text: string): string {
  const cut = text.slice(0, LONGEST);
  const masked = SQL.test(cut) ? cut.replace(/'(?:[^'\n]|'')*'/g, "'***'") : cut;
  return RULES.reduce((line, { pattern, by }) => line.replace(pattern, by), masked);
}

/**
 * Lines of one log, oldest first, each without what `redacted` masks, and without the lines that a row or a
 * private key goes on in.
 */
export function redactedLines(lines: string[]): string[] {
  const kept: string[] = [];
  let until: RegExp | undefined;
  let left = 0;
  for (const line of lines) {
    if (until !== undefined && left > 0) {
      left -= 1;
      until = until.test(line) ? undefined : until;
      continue;
    }
    kept.push(redacted(line));
    until = endOf(line);
    left = MOST_CONTINUED;
  }
  return kept;
}

const NAMED_LIST = new RegExp(`(?:${SENSITIVE})[\\w-]*\\\\*["']?\\s*[:=]\\s*(?:[a-z]+)?[[({]`, 'i');
const NAMED_BLOCK = new RegExp(`(?:${SENSITIVE})[\\w-]*["']?\\s*[:=]\\s*[|>][+-]?\\s*$`, 'i');
const NAMED_PART = new RegExp(`Content-Disposition:.*\\bname=["']?[\\w-]*(?:${SENSITIVE})`, 'i');

/** What ends what a line only begins: a key, a row, and a list, a block or a part of a form by its name. */
function endOf(line: string): RegExp | undefined {
  if (/-----BEGIN /.test(line) && !/-----END /.test(line)) {
    return /-----END /;
  }
  if (/Failing row contains|Key \([^)]*\)=\(/.test(line) && !/\)[^()]*$/.test(line)) {
    return /\)[^()]*$/;
  }
  const list = NAMED_LIST.exec(line);
  if (list !== null && !/[\])}]/.test(line.slice(list.index))) {
    return /[\])}]/;
  }
  if (NAMED_BLOCK.test(line)) {
    return /^\S/;
  }
  return NAMED_PART.test(line) ? /^--/ : undefined;
}

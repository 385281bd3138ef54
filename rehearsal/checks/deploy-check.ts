/** A message of Django's system checks. */
export interface SystemMessage {
  /** `security.W004`. */
  readonly id: string;
  readonly text: string;
}

/** What `check --deploy` says and the stack has an answer to. */
export interface Verdict {
  /** What must be mended or silenced. */
  readonly wrong: SystemMessage[];
  /** By id: why nothing is wrong. */
  readonly moot: Readonly<Record<string, string>>;
  /** What has nothing to do with a deployment. */
  readonly other: SystemMessage[];
}

const HEADER = 'a check of its own reads this header, which the load balancer sends';
const PREFERENCE = 'whether the header holds for other names of the domain, or in browsers for good, is for its owner';
const WITHOUT_HTTPS = 'the stack has no HTTPS, with which alone this can be on';

/** Why a message of the front door's part needs no change of the settings. */
const MOOT: Readonly<Record<string, string>> = {
  'security.W002': HEADER,
  'security.W004': HEADER,
  'security.W005': PREFERENCE,
  'security.W006': HEADER,
  'security.W008': 'a check of its own sees the load balancer redirect HTTP',
  'security.W018': 'a check of its own looks at DEBUG',
  'security.W019': HEADER,
  'security.W021': PREFERENCE,
};

/** The same where the load balancer has no certificate. */
const MOOT_WITHOUT_HTTPS: Readonly<Record<string, string>> = Object.fromEntries(
  ['W004', 'W008', 'W010', 'W011', 'W012', 'W015', 'W016', 'W017'].map((id) => [`security.${id}`, WITHOUT_HTTPS]),
);

const OWNER = 'no stack of the assembly has the load balancer, which can see to it: ask whoever owns it';
/** The same where nobody says what the load balancer does. */
const MOOT_OF_OWNER: Readonly<Record<string, string>> = Object.fromEntries(
  ['W002', 'W004', 'W006', 'W008', 'W019'].map((id) => [`security.${id}`, OWNER]),
);

/** Reads the messages of `manage.py check`. */
export function systemMessages(lines: readonly string[]): SystemMessage[] {
  return lines.flatMap((line) => {
    const [, id, text] = /^\S.*?: \(([\w.]+\.[A-Z]\d+)\) (.*)$/.exec(line) ?? [];
    return id === undefined ? [] : [{ id, text }];
  });
}

/**
 * Sorts messages: errors and what is about security are wrong, unless the front door of the stack makes them
 * moot.
 */
export function judge(
  messages: readonly SystemMessage[],
  { secure, isDescribed }: { readonly secure: boolean; readonly isDescribed: boolean },
): Verdict {
  const arguments_ = { ...MOOT, ...(isDescribed ? {} : MOOT_OF_OWNER), ...(secure ? {} : MOOT_WITHOUT_HTTPS) };
  const moot: Record<string, string> = {};
  const wrong: SystemMessage[] = [];
  const other: SystemMessage[] = [];
  for (const message of messages) {
    const argument = arguments_[message.id];
    if (argument !== undefined) {
      moot[message.id] = argument;
    } else if (message.id.startsWith('security.') || /\.[EC]\d+$/.test(message.id)) {
      wrong.push(message);
    } else {
      other.push(message);
    }
  }
  return { wrong, moot, other };
}

/** Ids of messages in the order in which they came, each once. */
export function counted(messages: readonly SystemMessage[]): string {
  const times = new Map<string, number>();
  for (const { id } of messages) {
    times.set(id, (times.get(id) ?? 0) + 1);
  }
  return [...times].map(([id, count]) => (count === 1 ? id : `${id} (${count} times)`)).join(', ');
}

/** Variables that a client of an engine reads itself: given to it, they would change what it does. */
const CLIENTS = new RegExp(
  `^(${[
    'PATH|HOME|USER|LOGNAME|SHELL|TMPDIR|LANG|LANGUAGE|LC_.*|TZ|NOTIFY_SOCKET|LISTEN_.*',
    '(DOCKER|BUILDX|BUILDKIT|BUILDAH|CONTAINERS?|PODMAN|STORAGE|XDG|DBUS|SSL_CERT|LD|GO|NODE|COMPOSE)_?.*',
    'REGISTRY_AUTH_FILE|(HTTPS?|NO|ALL|FTP)_PROXY|_.*',
  ].join('|')})$`,
  'i',
);

/** Variables of a container, by the way that they take. */
export interface Ways {
  /** Given to the client, which is told their names. */
  readonly byName: Readonly<Record<string, string>>;
  /** Lines of a file. */
  readonly lines: readonly string[];
}

/**
 * How variables reach a container so that no value is part of a process title: by the variables of the
 * client, or by a file where the client would take them for its own.
 */
export function waysOf(variables: Readonly<Record<string, string>>): Ways {
  const byName: Record<string, string> = {};
  const lines: string[] = [];
  for (const [name, value] of Object.entries(variables)) {
    if (!CLIENTS.test(name)) {
      byName[name] = value;
    } else if (/[\r\n]/.test(value)) {
      throw new Error(
        `${name}: image mode cannot give a variable of this name a value of several lines. Rehearse with --mode processes.`,
      );
    } else {
      lines.push(`${name}=${value}`);
    }
  }
  return { byName, lines };
}

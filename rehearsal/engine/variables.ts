/**
 * Variables that a client of an engine reads itself: given to it, they would change what it does. The names
 * are whole: applications have names of their own that begin like them, of keys with several lines, too.
 *
 * @see https://docs.docker.com/reference/cli/docker/#environment-variables
 * @see https://docs.podman.io/en/stable/markdown/podman.1.html
 */
const CLIENTS: ReadonlySet<string> = new Set(
  [
    'PATH HOME USER LOGNAME SHELL TERM TMPDIR TZ LANG LANGUAGE LC_ALL LC_CTYPE LC_MESSAGES LC_TIME LC_NUMERIC LC_COLLATE',
    'NOTIFY_SOCKET LISTEN_PID LISTEN_FDS LISTEN_FDNAMES SSL_CERT_FILE SSL_CERT_DIR SSH_AUTH_SOCK SSLKEYLOGFILE',
    'XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME XDG_STATE_HOME XDG_RUNTIME_DIR XDG_CONFIG_DIRS XDG_DATA_DIRS',
    'DBUS_SESSION_BUS_ADDRESS DBUS_SYSTEM_BUS_ADDRESS',
    // The dynamic linker, and programs in Go.
    'LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT LD_BIND_NOW LD_DEBUG LD_DEBUG_OUTPUT DYLD_INSERT_LIBRARIES DYLD_LIBRARY_PATH',
    'GODEBUG GOGC GOMAXPROCS GOMEMLIMIT GOTRACEBACK GOCOVERDIR GORACE',
    // Docker.
    'DOCKER_API_VERSION DOCKER_AUTH_CONFIG DOCKER_CERT_PATH DOCKER_CONFIG DOCKER_CONTENT_TRUST',
    'DOCKER_CONTENT_TRUST_SERVER DOCKER_CONTEXT DOCKER_CUSTOM_HEADERS DOCKER_DEFAULT_PLATFORM DOCKER_HIDE_LEGACY_COMMANDS',
    'DOCKER_HOST DOCKER_TLS DOCKER_TLS_VERIFY DOCKER_BUILDKIT DOCKER_CLI_HINTS DOCKER_CLI_EXPERIMENTAL',
    'DOCKER_CLI_OTEL_EXPORTER_OTLP_ENDPOINT BUILDKIT_PROGRESS BUILDX_BUILDER BUILDX_CONFIG NO_COLOR',
    // Podman, and the libraries that it is made of.
    'CONTAINERS_CONF CONTAINERS_CONF_OVERRIDE CONTAINERS_REGISTRIES_CONF CONTAINERS_REGISTRIES_CONF_DIR',
    'CONTAINERS_STORAGE_CONF CONTAINERS_HELPER_BINARY_DIR CONTAINERS_IDLE_TIMEOUT CONTAINERS_POLICY_JSON',
    'CONTAINER_HOST CONTAINER_CONNECTION CONTAINER_SSHKEY CONTAINER_PASSPHRASE CONTAINER_PROXY CONTAINER_TLS_CA',
    'CONTAINER_TLS_CERT CONTAINER_TLS_KEY STORAGE_DRIVER STORAGE_OPTS IMAGE_STORE REGISTRY_AUTH_FILE NETAVARK_DEBUG',
    'REGISTRIES_CONFIG_PATH BUILDAH_ISOLATION BUILDAH_RUNTIME PODMAN_USERNS PODMAN_CONNECTIONS_CONF',
    '_CONTAINERS_USERNS_CONFIGURED _CONTAINERS_ROOTLESS_UID _CONTAINERS_ROOTLESS_GID _PODMAN_IGNORE_CGROUPSV1_WARNING',
  ].flatMap((line) => line.split(' ')),
);
const UPPER = ['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY'];
/** Proxies, in both forms that programs read. */
export const PROXIES: readonly string[] = UPPER.flatMap((name) => [name, name.toLowerCase()]);

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
 *
 * Docker prefers the proxies of its own configuration to those of a file. Its client has no use for those of
 * a container: the engine is on this machine.
 */
export function waysOf(variables: Readonly<Record<string, string>>, kind: 'docker' | 'podman'): Ways {
  const isByName = (name: string) => (PROXIES.includes(name) ? kind === 'docker' : !CLIENTS.has(name));
  const byName: Record<string, string> = {};
  const lines: string[] = [];
  for (const [name, value] of Object.entries(variables)) {
    if (isByName(name)) {
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

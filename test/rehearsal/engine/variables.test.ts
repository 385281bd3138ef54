import { waysOf } from '../../../rehearsal/engine/variables';

test('variables reach a container by those of the client, of several lines, too', () => {
  expect(waysOf({ DJANGO_SECRET_KEY: 'a', KEY: 'one\ntwo' }, 'docker')).toEqual({
    byName: { DJANGO_SECRET_KEY: 'a', KEY: 'one\ntwo' },
    lines: [],
  });
});

test.each(['PATH', 'HOME', 'TMPDIR', 'DOCKER_HOST', 'CONTAINERS_CONF', 'SSL_CERT_FILE', 'GODEBUG', 'LD_PRELOAD'])(
  '%s, which the client would take for its own, reaches it by a file',
  (name) => {
    expect(waysOf({ [name]: '/tmp' }, 'docker')).toEqual({ byName: {}, lines: [`${name}=/tmp`] });
  },
);

test.each([
  'GOOGLE_CREDENTIALS',
  'LDAP_CERTIFICATE',
  'NODE_KEY',
  'STORAGE_PRIVATE_KEY',
  'DOCKER_REGISTRY_KEY',
  'CONTAINER_SETTINGS',
  'SSL_CERT_FILE_CONTENT',
  'XDG_NOTES',
  '_SIGNING_KEY',
  'LC_MESSAGES_KEY',
  'COMPOSE_KEY',
])("%s is not the client's, and may have several lines", (name) => {
  expect(waysOf({ [name]: 'one\ntwo' }, 'podman').byName).toEqual({ [name]: 'one\ntwo' });
});

test('a file has no values of several lines', () => {
  expect(() => waysOf({ HOME: 'one\ntwo' }, 'docker')).toThrow('HOME: image mode cannot give');
});

test.each(['HTTPS_PROXY', 'https_proxy', 'NO_PROXY', 'all_proxy'])("%s is the client's own with podman", (name) => {
  expect(waysOf({ [name]: 'http://proxy' }, 'podman')).toEqual({ byName: {}, lines: [`${name}=http://proxy`] });
  // Docker would prefer the proxy of its configuration to one of a file.
  expect(waysOf({ [name]: 'http://proxy' }, 'docker')).toEqual({ byName: { [name]: 'http://proxy' }, lines: [] });
});

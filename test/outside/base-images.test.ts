import { environmentOf } from '../../scripts/engine/base-images';

const IN_THE_IMAGE = '/etc/ssl/certs/ca-certificates.crt';
const ALWAYS = ['PATH', 'LANG'];

function namesOf(makers: Record<string, string>): string[] {
  return environmentOf(makers).map(([name]) => name);
}

test('a base image has no variables of its maker that tell of another machine', () => {
  const makers = {
    HOME: '/root',
    npm_config_local_prefix: '/src',
    npm_config_user_agent: 'npm/11',
    NPM_CONFIG_CACHE: '/src/cache',
    PIP_FIND_LINKS: '/wheels',
    PIP_DEFAULT_TIMEOUT: '180',
    PIP_CERT: '/src/authority.crt',
    SSL_CERT_FILE: '/src/authority.crt',
  };
  expect(namesOf(makers)).toEqual(ALWAYS);
});

test('it has the address of an index, and certificates that lie in it', () => {
  const makers = {
    PIP_INDEX_URL: 'https://pypi.example.com/simple',
    UV_DEFAULT_INDEX: 'https://pypi.example.com/simple',
    npm_config_registry: 'https://npm.example.com/',
    PIP_CERT: IN_THE_IMAGE,
    SSL_CERT_FILE: IN_THE_IMAGE,
  };
  expect(namesOf(makers)).toEqual([...ALWAYS, ...Object.keys(makers)]);
});

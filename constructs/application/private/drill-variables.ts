import type { ContractVariable } from '../../core/contract';
import type { DjangoApplicationProps } from '../django-application-props';
import type { Providers } from './providers';

/** Stands for what is secret, and for names of what a drill must not reach. */
const NOTHING = 'drill';
/** Of Valkey. In the task of a drill nobody listens there. */
const CACHE_PORT = 6379;

/**
 * Variables without which the settings of an application do not load: of its cache, its media files, its mail
 * and its secrets. They lead nowhere, so that a drill changes and sends nothing.
 */
export function drillVariables(
  { secrets = {} }: DjangoApplicationProps,
  { cacheStore, cdn, mediaStorage, outgoingMail }: Providers,
): { [name: string]: string } {
  const url = `rediss://${NOTHING}:${NOTHING}@localhost:${CACHE_PORT}/0`;
  const ofCache = {
    CACHE_HOST: 'localhost',
    CACHE_PORT: String(CACHE_PORT),
    CACHE_USERNAME: NOTHING,
    CACHE_PASSWORD: NOTHING,
    CACHE_URL: url,
    REDIS_URL: url,
  } satisfies { [name in ContractVariable]?: string };
  const told = {
    ...(cdn?.mediaStorage ?? mediaStorage)?.containerEnvironment,
    ...outgoingMail?.containerEnvironment,
  };
  return {
    ...Object.fromEntries(Object.keys(secrets).map((name) => [name, NOTHING])),
    ...(cacheStore === undefined ? {} : ofCache),
    // As they are: the role of a drill may neither reach the bucket nor send mail.
    ...told,
  };
}

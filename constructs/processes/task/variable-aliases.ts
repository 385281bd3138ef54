import { Checks } from '../../core/checks';
import { CONTRACT } from '../../core/contract';

/**
 * Further names under which processes get variables of the contract, for a project whose settings read
 * others.
 *
 * A process gets the same value, or the same secret, under both names. Where it does not get the variable, it
 * does not get the further name either.
 *
 * @example
 * const variableAliases = VariableAliases.of({
 *   MEDIA_BUCKET: 'AWS_STORAGE_BUCKET_NAME',
 *   REDIS_CACHE: 'CACHE_URL',
 * });
 *
 * @see https://github.com/cookiecutter/cookiecutter-django
 */
export class VariableAliases {
  /**
   * DJANGO_AWS_STORAGE_BUCKET_NAME, DJANGO_AWS_S3_REGION_NAME, DJANGO_DEFAULT_FROM_EMAIL and
   * DJANGO_SERVER_EMAIL, as the settings of cookiecutter-django read them.
   *
   * DJANGO_SECRET_KEY, DJANGO_ALLOWED_HOSTS, REDIS_URL and CELERY_BROKER_URL have these names already.
   *
   * DATABASE_URL needs `DatabaseVariables.URL`.
   */
  public static readonly COOKIECUTTER_DJANGO = VariableAliases.of({
    DJANGO_AWS_STORAGE_BUCKET_NAME: 'AWS_STORAGE_BUCKET_NAME',
    DJANGO_AWS_S3_REGION_NAME: 'AWS_S3_REGION_NAME',
    DJANGO_DEFAULT_FROM_EMAIL: 'DEFAULT_FROM_EMAIL',
    DJANGO_SERVER_EMAIL: 'DEFAULT_FROM_EMAIL',
  });

  /** Uses names of your own: each with the variable of the contract whose value it has. */
  public static of(names: { [name: string]: string }): VariableAliases {
    const checks = new Checks('VariableAliases.of');
    for (const [name, variable] of Object.entries(names)) {
      checks.known(name, variable).that(name, variable, Object.hasOwn(CONTRACT, variable), {
        must: 'be a variable of the contract',
        remedy: 'docs/contract.md lists them. Any other value goes into `environment` or `secrets`.',
      });
    }
    checks.throwIfAny();
    return new VariableAliases({ ...names });
  }

  private constructor(
    /** The further names, each with its variable of the contract. */
    public readonly names: { [name: string]: string },
  ) {}

  /**
   * Those of some variables that have further names, under these.
   *
   * @internal
   */
  public static _of<T>(
    aliases: VariableAliases | undefined,
    variables: { readonly [name: string]: T },
  ): {
    [name: string]: T;
  } {
    const known = Object.entries(aliases?.names ?? {}).filter(([, variable]) => Object.hasOwn(variables, variable));
    return Object.fromEntries(known.map(([name, variable]) => [name, variables[variable]]));
  }
}

import type { Rehearsal } from '../rehearsal';

/** Thrown when some services have not deployed while others have: those run the new version. */
export class PartialDeployment extends Error {}

/**
 * Deploys once more: images from their sources, the release, then every service. Gives what was done.
 *
 * Where a build or the release fails, what runs stays as it is; throws the reason. Services deploy beside
 * each other, and nothing is over before all of them are: the next deployment would roll what still rolls.
 * Once the rehearsal ends, no further step is started.
 */
export async function deploy(
  rehearsal: Pick<Rehearsal, 'rebuild' | 'release' | 'services'>,
  ending: AbortSignal,
): Promise<string> {
  goOn(ending);
  const undo = await rehearsal.rebuild();
  try {
    goOn(ending);
    await rehearsal.release();
    goOn(ending);
    await redeployAll(rehearsal.services);
  } catch (error) {
    undo();
    throw error;
  }
  return `deployed: ${rehearsal.services.map(({ name }) => name).join(', ')}`;
}

function goOn(ending: AbortSignal): void {
  if (ending.aborted) {
    throw new Error('the rehearsal ends, and deploys nothing any more');
  }
}

/** Throws the first failure, with the names of all services that failed. */
async function redeployAll(services: Rehearsal['services']): Promise<void> {
  const results = await Promise.allSettled(services.map((service) => service.redeploy()));
  const names = (status: 'fulfilled' | 'rejected') =>
    services.filter((_, index) => results[index].status === status).map(({ name }) => name);
  const failure = results.find((result) => result.status === 'rejected');
  if (failure === undefined) {
    return;
  }
  const { message } = failure.reason as Error;
  const [failed, deployed] = [names('rejected'), names('fulfilled')];
  const which = failed.length > 1 || deployed.length > 0 ? `. Not deployed: ${failed.join(', ')}` : '';
  throw deployed.length === 0
    ? new Error(`${message}${which}`)
    : new PartialDeployment(`${message}${which}; deployed: ${deployed.join(', ')}`);
}

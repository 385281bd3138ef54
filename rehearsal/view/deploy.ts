import type { Rehearsal } from '../rehearsal';

/**
 * Deploys once more: images from their sources, the release, then every service. Gives what was done.
 *
 * Where a build or the release fails, what runs stays as it is; throws the reason.
 */
export async function deploy(rehearsal: Pick<Rehearsal, 'rebuild' | 'release' | 'services'>): Promise<string> {
  const undo = await rehearsal.rebuild();
  try {
    await rehearsal.release();
    await Promise.all(rehearsal.services.map((service) => service.redeploy()));
  } catch (error) {
    undo();
    throw error;
  }
  return `deployed: ${rehearsal.services.map(({ name }) => name).join(', ')}`;
}

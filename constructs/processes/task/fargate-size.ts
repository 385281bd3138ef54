import type { Checks } from '../../core/checks';

/** Memory in MiB that Fargate sells with each number of CPU units: from, to, in steps of. */
const MEMORY: { [cpu: number]: readonly [number, number, number] } = {
  256: [512, 2048, 512],
  512: [1024, 4096, 1024],
  1024: [2048, 8192, 1024],
  2048: [4096, 16384, 1024],
  4096: [8192, 30720, 1024],
  8192: [16384, 61440, 4096],
  16384: [32768, 122880, 8192],
};

/**
 * Validates that CPU and memory form a pair that Fargate sells.
 *
 * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html#fargate-tasks-size
 */
export function checkFargateSize(checks: Checks, cpu: number, memoryLimitMiB: number): void {
  const range = MEMORY[cpu];
  checks.that('cpu', cpu, range !== undefined, {
    must: `be one of ${Object.keys(MEMORY).join(', ')} CPU units`,
    remedy: 'Choose one of them; 1024 is one vCPU.',
  });
  if (range !== undefined) {
    const [from, to, step] = range;
    checks.that('memoryLimitMiB', memoryLimitMiB, sells(memoryLimitMiB, cpu, range), {
      must: `be from ${from} to ${to} MiB in steps of ${step}${cpu === 256 ? ', without 1536,' : ''} with \`cpu\` ${cpu}`,
      remedy: 'Fargate sells only such pairs: change one of the two.',
    });
  }
}

function sells(memory: number, cpu: number, [from, to, step]: readonly [number, number, number]): boolean {
  return memory >= from && memory <= to && memory % step === 0 && !(cpu === 256 && memory === 1536);
}

const DAY = 24 * 3600;

/** Numbers from 0 to 1 that are the same for a seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A number of arrivals in one second, as a Poisson process has it. */
function poisson(rate: number, random: () => number): number {
  const limit = Math.exp(-rate);
  let count = 0;
  for (let product = random(); product > limit; product *= random()) {
    count += 1;
  }
  return count;
}

/** Messages of each second of a day: few at night, most at noon, and five bursts of a thousand. */
export function dayTrace(seed = 1): number[] {
  const random = randomOf(seed);
  const bursts = new Set([3, 9.5, 12, 15.25, 20].map((hour) => hour * 3600));
  return Array.from({ length: DAY }, (_, second) => {
    const light = Math.max(0, Math.sin((Math.PI * (second - DAY / 4)) / (DAY / 2)));
    return poisson(0.1 + 5 * light, random) + (bursts.has(second) ? 1000 : 0);
  });
}

/** A random trace: a rate that jumps every few minutes, and bursts. */
export function randomTrace(seed: number, length: number): number[] {
  const random = randomOf(seed);
  let rate = 0;
  return Array.from({ length }, (_, second) => {
    if (second % 300 === 0) {
      rate = random() < 0.3 ? 0 : random() ** 3 * 20;
    }
    return poisson(rate, random) + (random() < 1 / 1200 ? Math.floor(random() * 2000) : 0);
  });
}

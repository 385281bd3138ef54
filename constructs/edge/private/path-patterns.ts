/** Whether a pattern of CloudFront stands for every path that another one stands for. */
export function covers(wide: string, narrow: string): boolean {
  const escaped = wide
    .replace(/[.+$^(){}[\]|\\]/g, '\\$&')
    .replace(/\*/g, '.*')
    .replace(/\?/g, '[^*]');
  return new RegExp(`^${escaped}$`).test(narrow);
}

/** Whether a pattern says no more than that there is a path: `/*` and its like. */
export function isEveryPath(pattern: string): boolean {
  return /^\/\?*\*[*?]*$/.test(pattern);
}

/**
 * Whether one file can be asked for by way of either pattern.
 *
 * CloudFront compares a path as it is written, where `%2F` is no slash, and S3 decodes it: whatever an
 * asterisk stands for can be a slash in the name of the file. A question mark is taken for an asterisk,
 * because what it stands for can be written with three characters, too.
 */
export function overlap(one: string, other: string): boolean {
  const [first, second] = [one, other].map((pattern) => pattern.replaceAll('?', '*'));
  let after: boolean[] = []; // Whether what follows the next character of the first meets the rest of the second.
  for (let at = first.length; at >= 0; at--) {
    const row: boolean[] = [];
    for (let beside = second.length; beside >= 0; beside--) {
      const [mine, its] = [first[at], second[beside]];
      const isEnd = mine === undefined && its === undefined;
      const skips = (mine === '*' && after[beside]) || (its === '*' && row[beside + 1]);
      const takes = (mine === '*' && row[beside + 1]) || (its === '*' && after[beside]);
      row[beside] = isEnd || skips || takes || (mine === its && after[beside + 1]) || false;
    }
    after = row;
  }
  return after[0];
}

/** An instruction for a line of the terminal, without the values that look secret. */
export function shortened(text: string): string {
  const masked = text.replace(
    /(\b\w*(?:SECRET|PASSWORD|TOKEN|_KEY)\w*=)("(?:[^"\\]|\\.)*"|'[^']*'|\$\([^)]*\)|[^\s&;|]+)/gi,
    '$1…',
  );
  const flat = masked.replace(/\s+/g, ' ');
  return flat.length > 120 ? `${flat.slice(0, 117)}…` : flat;
}

/** Whether a value of Strict-Transport-Security has each directive once, in any order (RFC 6797). */
export function isHsts(header: string): boolean {
  const names = header.split(';').map((directive) => directive.trim().toLowerCase());
  const known = names.map((name) => (/^max-age=("?)\d+\1$/.test(name) ? 'max-age' : name));
  return (
    /^[\x20-\x7e]+$/.test(header) &&
    known.includes('max-age') &&
    new Set(known).size === known.length &&
    known.every((name) => ['max-age', 'includesubdomains', 'preload'].includes(name))
  );
}

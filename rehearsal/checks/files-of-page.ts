/** What a browser does not read as tags: comments, and the text of a script. */
const COMMENT = /<!--[\s\S]*?-->/g;
const SCRIPT = /(<script\b(?:"[^"]*"|'[^']*'|[^'">])*>)[\s\S]*?(?=<\/script)/gi;
const TAG = /<(?:link|script|img)\b((?:"[^"]*"|'[^']*'|[^'">])*)>/gi;
/** A name, and a value in double quotes, in single quotes or in none. */
const ATTRIBUTE = /([^\s"'<>/=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'<>`]+)))?/g;

/** Style sheets, scripts and images that a page names, by HTTP. `page` is the page's own address. */
export function filesOf(html: string, page: string): URL[] {
  const tags = html.replace(COMMENT, '').replace(SCRIPT, '$1').matchAll(TAG);
  const addresses = [...tags].flatMap(([, attributes]) =>
    [...attributes.matchAll(ATTRIBUTE)]
      .filter(([, name]) => /^(?:href|src)$/i.test(name))
      .map(([, , double, single, bare]) => (double ?? single ?? bare ?? '').trim().replaceAll('&amp;', '&')),
  );
  // A browser passes over what is no address, too.
  return addresses
    .filter((address) => address !== '' && URL.canParse(address, page))
    .map((address) => new URL(address, page))
    .filter(({ protocol }) => protocol.startsWith('http'));
}

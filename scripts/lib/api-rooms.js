/** A line of lib/index.ts that begins a room. */
const ROOM = /^\/\/ (.+)$/gm;
/** A chapter of the reference: constructs, structs, classes, interfaces, enums. */
const CHAPTER = /^## .*$/gm;
/** One type, from its heading to the next one. */
const TYPE = /^### (\w+)/;

/** The rooms of lib/index.ts in order: the heading of each, and the names that it exports. */
function roomsOf(index) {
  const [, ...parts] = index.split(ROOM);
  return parts
    .flatMap((heading, at) => (at % 2 === 0 ? [{ heading, names: namesOf(parts[at + 1]) }] : []))
    .filter(({ names }) => names.length > 0); // The comment at the top is none.
}

/** The names in the braces of `export { A, type B } from …`. */
function namesOf(exports) {
  return Array.from(exports.matchAll(/\{([^}]*)\}/g), ([, names]) => names.match(/\b(?!type\b)\w+/g)).flat();
}

/**
 * The reference of jsii-docgen with a chapter for each room in place of one for each kind of type.
 *
 * Throws when a type has no room: lib/index.ts exports every public name under a heading.
 */
function byRoom(markdown, rooms) {
  const [title, ...chapters] = markdown.split(CHAPTER);
  const types = chapters.flatMap((chapter) => chapter.split(/^(?=### )/m)).filter((part) => TYPE.test(part));
  const nameOf = (type) => TYPE.exec(type)[1];
  const homeless = types.map(nameOf).filter((name) => !rooms.some(({ names }) => names.includes(name)));
  if (types.length === 0 || homeless.length > 0) {
    throw new Error(`no type found, or without a heading in lib/index.ts: ${homeless.join(', ') || 'none found'}`);
  }
  const bodies = rooms.map(({ heading, names }) => {
    const own = types.filter((type) => names.includes(nameOf(type)));
    return [`## ${heading}\n\n`, ...own.map((type) => `${type.trimEnd()}\n\n`)].join('');
  });
  return `${title.trimEnd()}\n\n${bodies.join('')}`;
}

module.exports = { byRoom, roomsOf };

import { filesOf } from '../../../rehearsal/checks/files-of-page';

const paths = (html: string) =>
  filesOf(html, 'https://shop.example.com/admin/login/').map(({ pathname, search }) => pathname + search);

test.each([
  ['in double quotes', '<link rel="stylesheet" href="/static/a.css">'],
  ['in single quotes', "<link rel='stylesheet' href='/static/a.css'>"],
  ['without quotes', '<link rel=stylesheet href=/static/a.css>'],
  ['with spaces around the sign', '<LINK HREF = "/static/a.css" rel="stylesheet">'],
  ['of a script', "<script defer src='/static/a.css'></script>"],
  ['of an image, over several lines', '<img\n  alt="a > b"\n  src="/static/a.css"\n>'],
  ['relative to the page', '<img src=../../static/a.css>'],
  ['with the host of the page', '<img src="//shop.example.com/static/a.css">'],
])('a file %s is found', (_, html) => {
  expect(paths(html)).toEqual(['/static/a.css']);
});

test('files are found in their order, with their queries', () => {
  expect(paths('<link href="/a.css?v=1&amp;w=2"><script src=/b.js?v=1></script><img src=\'/c.png\'>')).toEqual([
    '/a.css?v=1&w=2',
    '/b.js?v=1',
    '/c.png',
  ]);
});

test.each([
  ['a link of a text', '<a href="/static/a.css">'],
  ['an attribute that only ends like one', '<img data-src="/static/a.css" alt="src=/static/a.css">'],
  ['a comment', '<!-- <link href="/static/a.css"> -->'],
  ['the text of a script', '<script>document.write("<img src=/static/a.css>")</script>'],
  ['an image within the page', '<img src="data:image/png;base64,AAAA">'],
  ['nothing', '<img src=""><script></script>'],
  ['no address', '<img src="https://[">'],
])('%s names no file', (_, html) => {
  expect(paths(html)).toEqual([]);
});

test('files that a page names are found, wherever they are', () => {
  const html = `
    <link rel="stylesheet" href="/static/admin/base.css?a=1&amp;b=2">
    <script src="theme.js" defer></script>
    <img alt="" src="https://cdn.example.com/logo.svg">
    <img src="data:image/png;base64,AAAA">
    <a href="/admin/password_reset/">Forgotten?</a>`;
  expect(filesOf(html, 'https://shop.example.com/admin/login/').map(String)).toEqual([
    'https://shop.example.com/static/admin/base.css?a=1&b=2',
    'https://shop.example.com/admin/login/theme.js',
    'https://cdn.example.com/logo.svg',
  ]);
});

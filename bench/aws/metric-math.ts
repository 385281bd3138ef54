/** A point of a time series: undefined where there is no data. */
export type Point = number | undefined;

/** The value of a metric or an expression so many periods before the one that is looked at. */
export interface Resolve {
  (id: string, ago: number): Point;
  /** Periods looked at together, of which `MAX` is the largest. @default - one */
  readonly periods?: number;
}

/** How far FILL(…, REPEAT) looks back, in periods: what CloudWatch fetches for an alarm is not documented. */
const LOOKS_BACK = 3;

type Node = (resolve: Resolve, ago: number) => Point;

const both = (left: Point, right: Point, combine: (a: number, b: number) => Point): Point =>
  left === undefined || right === undefined ? undefined : combine(left, right);

/**
 * Metric math of CloudWatch, as far as our alarms use it: numbers, `+ - * /`, comparisons, `IF`, `CEIL`,
 * `FLOOR`, `DIFF`, `FILL`, and `MAX` of one series.
 *
 * A value is missing where a part of it is, unless `FILL` gives another; a division by zero has no value.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
 */
export function calculate(expression: string, resolve: Resolve, ago = 0): Point {
  return parsed(expression)(resolve, ago);
}

const PARSED = new Map<string, Node>();

function parsed(expression: string): Node {
  const known = PARSED.get(expression) ?? new Parser(expression).parse();
  PARSED.set(expression, known);
  return known;
}

class Parser {
  private readonly tokens: string[];
  private at = 0;

  constructor(private readonly expression: string) {
    this.tokens = expression.match(/[A-Za-z_]\w*|\d+(?:\.\d+)?|[<>]=?|[-+*/(),]/g) ?? [];
    if (this.tokens.join('') !== expression.replace(/\s/g, '')) {
      throw this.unreadable();
    }
  }

  public parse(): Node {
    const node = this.comparison();
    if (this.at < this.tokens.length) {
      throw this.unreadable();
    }
    return node;
  }

  private unreadable(): Error {
    return new Error(`cannot read ${this.expression}`);
  }

  private next(): string {
    return this.tokens[this.at++];
  }

  private expect(wanted: string): void {
    const token = this.next();
    if (token !== wanted) {
      throw new Error(`expected ${wanted} in ${this.expression}, found ${token}`);
    }
  }

  private comparison(): Node {
    const left = this.sum();
    const operator = this.tokens[this.at];
    if (operator !== '<' && operator !== '>') {
      return left;
    }
    this.next();
    const right = this.sum();
    return (resolve, ago) =>
      both(left(resolve, ago), right(resolve, ago), (a, b) => Number(operator === '<' ? a < b : a > b));
  }

  private sum(): Node {
    let node = this.product();
    while (this.tokens[this.at] === '+' || this.tokens[this.at] === '-') {
      const [left, sign] = [node, this.next() === '+' ? 1 : -1];
      const right = this.product();
      node = (resolve, ago) => both(left(resolve, ago), right(resolve, ago), (a, b) => a + sign * b);
    }
    return node;
  }

  private product(): Node {
    let node = this.operand();
    while (this.tokens[this.at] === '*' || this.tokens[this.at] === '/') {
      const [left, times] = [node, this.next() === '*'];
      const right = this.operand();
      const combine = (a: number, b: number) => (times ? a * b : b === 0 ? undefined : a / b);
      node = (resolve, ago) => both(left(resolve, ago), right(resolve, ago), combine);
    }
    return node;
  }

  private operand(): Node {
    const token = this.next();
    if (token === '(') {
      const node = this.comparison();
      this.expect(')');
      return node;
    }
    if (token === '-') {
      const node = this.operand();
      return (resolve, ago) => both(node(resolve, ago), -1, (a, b) => a * b);
    }
    if (token === undefined || !/^\w/.test(token)) {
      throw this.unreadable();
    }
    if (/^\d/.test(token)) {
      return () => Number(token);
    }
    return this.tokens[this.at] === '(' ? this.call(token) : (resolve, ago) => resolve(token, ago);
  }

  private call(name: string): Node {
    this.expect('(');
    const first = this.comparison();
    switch (name) {
      case 'CEIL':
      case 'FLOOR': {
        this.expect(')');
        const round = name === 'CEIL' ? Math.ceil : Math.floor;
        return (resolve, ago) => both(first(resolve, ago), 0, round);
      }
      case 'DIFF':
        this.expect(')');
        return (resolve, ago) => both(first(resolve, ago), first(resolve, ago + 1), (now, before) => now - before);
      case 'MAX':
        this.expect(')');
        return (resolve) => {
          const points = Array.from({ length: resolve.periods ?? 1 }, (_, ago) => first(resolve, ago));
          const values = points.filter((point) => point !== undefined);
          return values.length === 0 ? undefined : Math.max(...values);
        };
      case 'FILL':
        this.expect(',');
        return this.fill(first);
      case 'IF': {
        this.expect(',');
        const second = this.comparison();
        this.expect(',');
        const third = this.comparison();
        this.expect(')');
        return (resolve, ago) => {
          const condition = first(resolve, ago);
          return condition === undefined ? undefined : (condition !== 0 ? second : third)(resolve, ago);
        };
      }
      default:
        throw new Error(`no function ${name}`);
    }
  }

  private fill(filled: Node): Node {
    if (this.tokens[this.at] === 'REPEAT') {
      this.next();
      this.expect(')');
      return (resolve, ago) => {
        const recent = Array.from({ length: LOOKS_BACK }, (_, back) => () => filled(resolve, ago + back));
        return recent.reduce<Point>((found, read) => found ?? read(), undefined);
      };
    }
    const filler = this.comparison();
    this.expect(')');
    return (resolve, ago) => filled(resolve, ago) ?? filler(resolve, ago);
  }
}

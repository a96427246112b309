/**
 * How a quantity is written: with SI suffixes (`500m`, `2G`), binary suffixes (`128Mi`) or an exponent (`12e6`).
 *
 * @see https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
 */
export type QuantityFormat = "DecimalSI" | "BinarySI" | "DecimalExponent";

/** An exact amount. Nothing smaller than a billionth exists: smaller amounts were rounded up when read. */
export interface Quantity {
  /** The amount in billionths. */
  readonly nano: bigint;
  readonly format: QuantityFormat;
}

const one = 1_000_000_000n;
const formatRule = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const suffixRule = "unable to parse quantity's suffix";
const numberRule = "unable to parse numeric part of quantity";

/** Longest text that is read. Real quantities have a dozen characters; arithmetic on many digits is not linear. */
const maxLength = 256;
/** Largest exponent that is read (Kubernetes' largest suffix is 10^18). Bounds the digits of every amount. */
const maxExponent = 256;
/** Binary amounts are capped where a signed 64-bit integer ends. @see k8s.io/apimachinery/pkg/api/resource maxAllowed */
const maxBinary = (2n ** 63n - 1n) * one;

const decimalSuffixes: ReadonlyMap<string, number> = new Map([
  ["n", -9],
  ["u", -6],
  ["m", -3],
  ["", 0],
  ["k", 3],
  ["M", 6],
  ["G", 9],
  ["T", 12],
  ["P", 15],
  ["E", 18],
]);
const binarySuffixes: ReadonlyMap<string, bigint> = new Map(
  ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"].map((suffix, index) => [suffix, 1024n ** BigInt(index + 1)]),
);
const decimalSuffixOf: ReadonlyMap<number, string> = new Map(
  [...decimalSuffixes].map(([suffix, exponent]) => [exponent, suffix]),
);

/**
 * Reads a quantity exactly. JSON numbers are quantities too (`cpu: 2`).
 *
 * @throws SyntaxError with Kubernetes' text
 * @see k8s.io/apimachinery/pkg/api/resource ParseQuantity
 */
export function parseQuantity(text: string | number): Quantity {
  const written = String(text).trim();
  const match = written.length > maxLength ? null : /^([+-]?)([0-9]*)(?:\.([0-9]*))?(.*)$/s.exec(written);
  if (!match) throw new SyntaxError(written ? numberRule : formatRule);
  const [, sign = "", whole = "", fraction, suffix = ""] = match;
  if (`${whole}${fraction ?? ""}` === "") throw new SyntaxError(formatRule);
  if (!/^[eEinumkKMGTP]*[-+]?[0-9]*$/.test(suffix)) throw new SyntaxError(formatRule);
  const digits = BigInt(`${whole}${fraction ?? ""}` || "0");
  const { format, exponent, factor } = parseSuffix(suffix);
  const nano = scaleRoundingUp(digits * factor, exponent - (fraction ?? "").length + 9);
  const signed = (amount: bigint) => (sign === "-" ? -amount : amount);
  if (format === "BinarySI") {
    if (nano > maxBinary) return { nano: signed(maxBinary), format };
    // A fraction of one byte is clearer as 500m.
    if (nano > 0n && nano < one) return { nano: signed(nano), format: "DecimalSI" };
  }
  return { nano: signed(nano), format };
}

function parseSuffix(suffix: string): { format: QuantityFormat; exponent: number; factor: bigint } {
  const factor = binarySuffixes.get(suffix);
  if (factor !== undefined) return { format: "BinarySI", exponent: 0, factor };
  const exponent = decimalSuffixes.get(suffix);
  if (exponent !== undefined) return { format: "DecimalSI", exponent, factor: 1n };
  if (/^[eE][-+]?[0-9]+$/.test(suffix)) {
    const written = Number(suffix.slice(1));
    if (written <= maxExponent) return { format: "DecimalExponent", exponent: written, factor: 1n };
  }
  throw new SyntaxError(suffixRule);
}

/** `digits` times 10 to the `exponent`, away from zero where it does not come out even. */
function scaleRoundingUp(digits: bigint, exponent: number): bigint {
  if (digits === 0n) return 0n;
  if (exponent >= 0) return digits * 10n ** BigInt(exponent);
  // No amount has more digits than this: everything below rounds up to one billionth.
  if (exponent < -2 * maxLength) return 1n;
  return divideRoundingUp(digits, 10n ** BigInt(-exponent));
}

function divideRoundingUp(amount: bigint, by: bigint): bigint {
  const quotient = amount / by;
  if (amount % by === 0n) return quotient;
  return amount < 0n ? quotient - 1n : quotient + 1n;
}

/** Why `text` is no quantity, in Kubernetes' words; undefined when it is one. */
export function quantityError(text: string | number): string | undefined {
  try {
    parseQuantity(text);
    return undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return error.message;
    throw error;
  }
}

/** The canonical text: no fraction, the largest suffix that needs none, the format it was written in where that is exact. */
export function formatQuantity({ nano, format }: Quantity): string {
  if (nano === 0n) return "0";
  const size = nano < 0n ? -nano : nano;
  if (format === "BinarySI" && size >= 1024n * one && nano % one === 0n) return formatBinary(nano / one);
  return formatDecimal(nano, format === "BinarySI" ? "DecimalSI" : format);
}

function formatBinary(amount: bigint): string {
  let rest = amount;
  let suffix = "";
  for (const next of binarySuffixes.keys()) {
    if (rest % 1024n !== 0n) break;
    rest /= 1024n;
    suffix = next;
  }
  return `${rest}${suffix}`;
}

function formatDecimal(nano: bigint, format: "DecimalSI" | "DecimalExponent"): string {
  let rest = nano;
  let exponent = -9;
  const largest = format === "DecimalSI" ? 18 : Number.POSITIVE_INFINITY;
  while (exponent < largest && rest % 1000n === 0n) {
    rest /= 1000n;
    exponent += 3;
  }
  if (format === "DecimalSI") return `${rest}${decimalSuffixOf.get(exponent) ?? ""}`;
  return exponent === 0 ? `${rest}` : `${rest}e${exponent}`;
}

/**
 * The canonical form of a written quantity: `0.5` is `500m`, `1024Mi` is `1Gi`.
 *
 * @throws SyntaxError when it is none
 */
export function canonicalQuantity(text: string | number): string {
  return formatQuantity(parseQuantity(text));
}

/** Negative when `a` is less than `b`, positive when it is more, 0 when they are the same amount (`1Gi` and `1024Mi`). */
export function compareQuantities(a: Quantity, b: Quantity): number {
  return a.nano < b.nano ? -1 : a.nano > b.nano ? 1 : 0;
}

/** The sum, in the format of `a`, or of `b` where `a` is zero. */
export function addQuantities(a: Quantity, b: Quantity): Quantity {
  return { nano: a.nano + b.nano, format: a.nano === 0n ? b.format : a.format };
}

/** The difference, in the format of `a`, or of `b` where `a` is zero. */
export function subtractQuantities(a: Quantity, b: Quantity): Quantity {
  return addQuantities(a, { nano: -b.nano, format: b.format });
}

/** The amount in whole units (bytes, pieces), rounded up away from zero. Rounded to a double above 2^53. */
export function value(quantity: Quantity): number {
  return Number(divideRoundingUp(quantity.nano, one));
}

/** The amount in thousandths (millicores), rounded up away from zero. Rounded to a double above 2^53. */
export function milliValue(quantity: Quantity): number {
  return Number(divideRoundingUp(quantity.nano, 1_000_000n));
}

/** Millicores of a written quantity; 0 when absent. Remembers what it read. @throws SyntaxError */
export const milliCpu: (text: string | number | undefined) => number = cached(milliValue);

/** Whole units (bytes) of a written quantity; 0 when absent. Remembers what it read. @throws SyntaxError */
export const bytesValue: (text: string | number | undefined) => number = cached(value);

const cacheLimit = 4096;

/** The scheduler asks for the same few texts for every pod and node. */
function cached(read: (quantity: Quantity) => number): (text: string | number | undefined) => number {
  const known = new Map<string | number, number>();
  return (text) => {
    if (text === undefined) return 0;
    const hit = known.get(text);
    if (hit !== undefined) return hit;
    const result = read(parseQuantity(text));
    if (known.size >= cacheLimit) known.clear();
    known.set(text, result);
    return result;
  };
}

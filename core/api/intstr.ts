/** A number, or text with a percentage: `maxSurge: 1`, `maxSurge: 25%`. */
export type IntOrPercent = number | string;

/** The number before the `%`; undefined for text that is no percentage. */
export function parsePercent(text: string): number | undefined {
  const digits = /^([0-9]{1,9})%$/.exec(text)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/**
 * A number as it is, a percentage as that part of `total`.
 *
 * @param options.roundUp whether a part that does not come out even is rounded up (maxSurge) or down (maxUnavailable)
 * @throws SyntaxError for text that is no percentage
 * @see k8s.io/apimachinery/pkg/util/intstr GetScaledValueFromIntOrPercent
 */
export function scaledValue(value: IntOrPercent, total: number, options: { readonly roundUp: boolean }): number {
  if (typeof value === "number") return value;
  const percent = parsePercent(value);
  if (percent === undefined)
    throw new SyntaxError("invalid value for IntOrString: invalid type: string is not a percentage");
  const scaled = (percent * total) / 100;
  return options.roundUp ? Math.ceil(scaled) : Math.floor(scaled);
}

/**
 * What Go reads as a boolean; undefined for anything else.
 *
 * @see https://pkg.go.dev/strconv#ParseBool
 */
export function goBoolean(text: string): boolean | undefined {
  if (["1", "t", "T", "TRUE", "true", "True"].includes(text)) return true;
  if (["0", "f", "F", "FALSE", "false", "False"].includes(text)) return false;
  return undefined;
}

/** A part of a name: what IANA allows, and digits and `+` as older names have them. */
const part = /^[A-Za-z._0-9+][A-Za-z.\-_0-9+]{0,13}$/;

/**
 * Why `name` is no time zone, in Kubernetes' words; undefined when it is one, or absent.
 *
 * @see k8s.io/kubernetes/pkg/apis/batch/validation, validateTimeZone
 */
export function timeZoneError(name: string | undefined): string | undefined {
  if (name === undefined) return undefined;
  if (name === "") return "timeZone must be nil or non-empty string";
  const unknown = `unknown time zone ${name}`;
  if (name.length > 255 || !name.split("/").every((each) => part.test(each) && each !== "." && each !== ".."))
    return unknown;
  if (name.toLowerCase() === "local")
    return "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones";
  return isKnown(name) ? undefined : unknown;
}

/** Names are as exact as the names of files that they are in Go's database; the platform's are not. */
function isKnown(name: string): boolean {
  if (/^\+/.test(name)) return false;
  try {
    const { timeZone } = new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions();
    return timeZone === name || timeZone.toLowerCase() !== name.toLowerCase();
  } catch {
    return false;
  }
}

/** Members that Kubernetes does not tell from absent ones when they are false or 0: none of them is a pointer. */
const plainMembers: ReadonlySet<string> = new Set([
  "hostIPC",
  "hostNetwork",
  "hostPID",
  "hostPort",
  "initialDelaySeconds",
  "partition",
  "readOnly",
  "sslEnabled",
  "stdin",
  "stdinOnce",
  "tty",
]);

/** Whether a member of an object says by false or 0 what it says by being absent. */
export function isPlainZero(member: string, value: unknown): boolean {
  return (value === false || value === 0) && plainMembers.has(member);
}

/**
 * Whether two JSON values mean the same: an absent member equals null, `""`, an empty list and an empty object.
 *
 * @see k8s.io/apimachinery/pkg/api/equality, Semantic
 */
export function semanticEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (isEmpty(a) || isEmpty(b)) return isEmpty(a) && isEmpty(b);
  if (Array.isArray(a) || Array.isArray(b)) {
    return (
      Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, at) => semanticEqual(item, b[at]))
    );
  }
  if (!isObject(a) || !isObject(b)) return false;
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    if (!semanticEqual(plain(a, key), plain(b, key))) return false;
  }
  return true;
}

/** Whether a member of two objects means the same. @param member a name of the program's own, never a user's */
export function sameMember<T extends object>(a: T, b: T, member: keyof T & string): boolean {
  return semanticEqual(meant(member, a[member]), meant(member, b[member]));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

/** A member as it counts. */
function plain(object: Readonly<Record<string, unknown>>, key: string): unknown {
  return meant(key, Object.hasOwn(object, key) ? object[key] : undefined);
}

function meant(member: string, value: unknown): unknown {
  return isPlainZero(member, value) ? undefined : value;
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === "") return true;
  if (Array.isArray(value)) return value.length === 0;
  return isObject(value) && Object.keys(value).length === 0;
}

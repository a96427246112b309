/** `next` with the status of `previous`: writes of the main resource leave it alone. */
export function withStatusOf<T extends { readonly status?: unknown }>(previous: T, next: T): T {
  const { status: _status, ...rest } = next;
  return (previous.status === undefined ? rest : { ...rest, status: previous.status }) as T;
}

/** `object` without its status: nobody creates an object that has already done something. */
export function withoutStatus<T extends { readonly status?: unknown }>(object: T): T {
  const { status: _status, ...rest } = object;
  return rest as T;
}

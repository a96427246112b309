/** Owns what was opened and closes it in reverse order: `AsyncDisposableStack` for Node 20, which lacks it. */
export class DisposalStack implements AsyncDisposable {
  readonly #closers: (() => unknown)[] = [];

  /** Takes ownership of `resource` and returns it. */
  use<T extends AsyncDisposable | Disposable>(resource: T): T {
    this.defer(() =>
      Symbol.asyncDispose in resource ? resource[Symbol.asyncDispose]() : (resource as Disposable)[Symbol.dispose](),
    );
    return resource;
  }

  /** Runs `close` at disposal, before everything deferred earlier. */
  defer(close: () => unknown): void {
    this.#closers.push(close);
  }

  /** Closes everything, last opened first. One failure does not keep the others open: the first is thrown at the end. */
  async [Symbol.asyncDispose](): Promise<void> {
    const errors: unknown[] = [];
    for (let close = this.#closers.pop(); close; close = this.#closers.pop()) {
      try {
        await close();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length === 1) throw errors[0];
    if (errors.length > 1) throw new AggregateError(errors, "Cannot close everything");
  }
}

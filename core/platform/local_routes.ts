import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * Makes address ranges this machine's own, so that programs can listen on every address in them without any being
 * configured on an interface (an AnyIP route: `ip route add local RANGE dev lo`). Containers on a bridge reach such
 * addresses through the host. An address of IPv6 is configured on `lo`: programs cannot listen on one that is merely
 * routed there. Disposing takes back what was added. Needs Linux and the right to change routes.
 */
export class LocalRoutes implements AsyncDisposable {
  readonly #added = new Set<string>();
  #last: Promise<unknown> = Promise.resolve();

  /** Adds a range or an address. Resolves to false when this machine or this user cannot. */
  add(range: string): Promise<boolean> {
    return this.#inTurn(async () => {
      if (this.#added.has(range)) return true;
      if (!(await ip("replace", range))) return false;
      this.#added.add(range);
      return true;
    });
  }

  /** Takes a range back; one that was never added stays as it is. */
  remove(range: string): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#added.delete(range)) await ip("del", range);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // What is still being added is taken back, too.
    await this.#last;
    await Promise.all([...this.#added].map((range) => this.remove(range)));
  }

  /** One change at a time: `ip` is a process, and a cluster may have many services. */
  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const result = this.#last.then(change);
    this.#last = result.catch(() => {});
    return result;
  }
}

async function ip(action: "replace" | "del", range: string): Promise<boolean> {
  try {
    const isSixth = range.includes(":") && !range.includes("/");
    const what = isSixth ? ["address", action, `${range}/128`] : ["route", action, "local", range];
    await run("ip", [...what, "dev", "lo"], { timeout: 5000 });
    return true;
  } catch {
    // No `ip`, no such right, or not Linux: the caller goes on without, and says what that means.
    return false;
  }
}

import { describe, expect, it } from "vitest";
import { StatusError } from "../../core/api/status.ts";
import type { Client } from "../../core/client/client.ts";
import { ConnectionError } from "../../core/client/connection_error.ts";
import type { Flag } from "../../core/flags/flag.ts";
import { nodeFlags } from "../../core/flags/node_flags.ts";
import { FakeClock } from "../../core/util/fake_clock.ts";
import { silentLogger } from "../../core/util/log.ts";
import { type NodeFlagValues, startNodeDaemon } from "../../node_daemon/main.ts";

const flags = Object.fromEntries(
  Object.entries<Flag>(nodeFlags).map(([name, { type, default: preset }]) => [
    name,
    preset ?? (type === "list" ? [] : undefined),
  ]),
) as unknown as NodeFlagValues;

/** A client whose reads fail, one after the other, as told. */
function failing(...errors: readonly Error[]): { readonly client: Client; asked: number } {
  const seen = { asked: 0, client: {} as Client };
  const get = async () => {
    throw errors[seen.asked++] ?? new Error("Asked too often");
  };
  return Object.assign(seen, { client: { get } as unknown as Client });
}

const refused = new ConnectionError("127.0.0.1:1", "ECONNREFUSED", "refused");
const untrusted = new ConnectionError(
  "127.0.0.1:1",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "certificate signed by unknown authority",
);
const common = { flags, random: () => 0, log: silentLogger, signal: new AbortController().signal };

describe("startNodeDaemon()", () => {
  it("waits for a master that is not up yet, then says what the master says", async () => {
    const clock = new FakeClock();
    const master = failing(refused, refused, StatusError.unauthorized());
    const started = startNodeDaemon({ ...common, client: master.client, clock });
    const outcome = expect(started).rejects.toThrow("Unauthorized");
    await clock.advance(900);
    expect(master.asked).toBe(1);
    await clock.advance(2000);
    await outcome;
    expect(master.asked).toBe(3);
  });

  it("does not wait for a master whose certificate it does not trust", async () => {
    const { client } = failing(untrusted);
    await expect(startNodeDaemon({ ...common, client, clock: new FakeClock() })).rejects.toThrow("unknown authority");
  });
});

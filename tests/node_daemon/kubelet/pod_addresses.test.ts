import { describe, expect, it } from "vitest";
import { PodAddresses } from "../../../node_daemon/kubelet/pod_addresses.ts";

const { signal } = new AbortController();

describe("PodAddresses", () => {
  it("gives one address to a pod, always the same", async () => {
    const addresses = new PodAddresses();
    addresses.setRange("127.64.1.0/24");
    expect(await addresses.allocate("a", { signal })).toBe("127.64.1.1");
    expect(await addresses.allocate("b", { signal })).toBe("127.64.1.2");
    expect(await addresses.allocate("a", { signal })).toBe("127.64.1.1");
  });

  it("does not give away what is in use already", async () => {
    const addresses = new PodAddresses();
    addresses.adopt("old", "127.64.1.1");
    addresses.setRange("127.64.1.0/24");
    expect(await addresses.allocate("new", { signal })).toBe("127.64.1.2");
    expect(await addresses.allocate("old", { signal })).toBe("127.64.1.1");
  });

  it("takes an address back, and gives it away again last", async () => {
    const addresses = new PodAddresses();
    addresses.setRange("10.0.0.4/30");
    expect(await addresses.allocate("a", { signal })).toBe("10.0.0.5");
    addresses.release("a");
    expect(await addresses.allocate("b", { signal })).toBe("10.0.0.6");
    expect(await addresses.allocate("c", { signal })).toBe("10.0.0.5");
    await expect(addresses.allocate("d", { signal })).rejects.toThrow("no IP addresses available");
  });

  it("waits until the range is known", async () => {
    const addresses = new PodAddresses();
    const waiting = addresses.allocate("a", { signal });
    addresses.setRange("127.64.1.0/24");
    expect(await waiting).toBe("127.64.1.1");
    const aborted = AbortSignal.abort(new Error("stop"));
    await expect(new PodAddresses().allocate("a", { signal: aborted })).rejects.toThrow("stop");
  });

  it.each(["", "10.0.0.0", "10.0.0.0/31", "256.0.0.0/8", "::1/64", "10.0.0.0/x"])("refuses the range %j", (range) => {
    expect(() => new PodAddresses().setRange(range)).toThrow(SyntaxError);
  });
});

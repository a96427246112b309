import { describe, expect, it } from "vitest";
import type { CertificateSigningRequest } from "../../../core/kinds/certificate_signing_request.ts";
import { uselessAtMs } from "../../../master_daemon/controllers/certificate_cleaner.ts";
import { at, start } from "./fixtures.ts";

const hour = 3_600_000;

describe("uselessAtMs()", () => {
  const condition = (type: string) => ({ type, status: "True", lastUpdateTime: at(hour) });

  it.each<[string, CertificateSigningRequest["status"], number]>([
    ["undecided is kept for a day", {}, 24 * hour],
    ["denied is kept for an hour", { conditions: [condition("Denied")] }, 2 * hour],
    ["failed is kept for an hour", { conditions: [condition("Approved"), condition("Failed")] }, 2 * hour],
    ["approved waits for its signer", { conditions: [condition("Approved")] }, Number.POSITIVE_INFINITY],
    ["answered is kept for an hour", { conditions: [condition("Approved")], certificate: btoa("none") }, 2 * hour],
  ])("a request that is %s", (_, status, afterMs) => {
    const csr: CertificateSigningRequest = {
      apiVersion: "certificates.k8s.io/v1",
      kind: "CertificateSigningRequest",
      metadata: { name: "a", creationTimestamp: at(0) },
      spec: { request: "", signerName: "example.com/a", usages: [] },
      ...(status ? { status } : {}),
    };
    expect(uselessAtMs(csr)).toBe(start + afterMs);
  });
});

import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import type { Json, JsonObject } from "../../../core/api/meta.ts";
import { createAuthority, issueCertificate } from "../../../core/platform/certificates.ts";
import { systemClock } from "../../../core/platform/clock.ts";

/** A webhook server of a test, over TLS. */
export interface TestWebhook {
  readonly url: string;
  /** PEM in base64, as configurations have it. */
  readonly caBundle: string;
  /** The reviews that were sent. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read what they expect.
  readonly reviews: any[];
  /** Paths that were asked. */
  readonly paths: string[];
  /** Connections that were made. */
  connections: number;
}

/** What a webhook answers: the `response` of an AdmissionReview without its uid, or anything else. */
export type Respond = (
  // biome-ignore lint/suspicious/noExplicitAny: tests read what they expect.
  review: any,
  path: string,
) =>
  | JsonObject
  | { readonly raw: string | Json; readonly status?: number; readonly headers?: Record<string, string> }
  | Promise<never>;

let certificates: Promise<{ readonly ca: string; readonly cert: string; readonly key: string }> | undefined;

async function makeCertificates() {
  const authority = await createAuthority({ commonName: "webhooks", clock: systemClock });
  const server = await issueCertificate(authority, {
    commonName: "webhook",
    dnsNames: ["localhost", "hook.default.svc"],
    ipAddresses: ["127.0.0.1"],
    usage: "server",
    clock: systemClock,
  });
  return { ca: authority.certificate, cert: server.certificate, key: server.key };
}

/** Starts a webhook server that is closed when the test is over. */
export async function startWebhook(respond: Respond): Promise<TestWebhook> {
  certificates ??= makeCertificates();
  const { ca, cert, key } = await certificates;
  const webhook: TestWebhook = { url: "", caBundle: btoa(ca), reviews: [], paths: [], connections: 0 };
  const server: Server = createServer({ cert, key }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const review = JSON.parse(Buffer.concat(chunks).toString());
      webhook.reviews.push(review);
      webhook.paths.push(request.url ?? "");
      void (async () => {
        const answer = await respond(review, request.url ?? "");
        if ("raw" in answer) {
          const {
            raw,
            status = 200,
            headers = {},
          } = answer as { raw: Json; status?: number; headers?: Record<string, string> };
          response.writeHead(status, headers).end(typeof raw === "string" ? raw : JSON.stringify(raw));
          return;
        }
        const { apiVersion, kind } = review;
        response.end(JSON.stringify({ apiVersion, kind, response: { uid: review.request.uid, ...answer } }));
      })();
    });
  });
  server.on("secureConnection", () => webhook.connections++);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return Object.assign(webhook, { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/hook` });
}

/** A configuration with one webhook per entry. */
export function configuration(
  kind: "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration",
  name: string,
  ...webhooks: readonly JsonObject[]
): JsonObject {
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind,
    metadata: { name },
    webhooks: webhooks.map((webhook) => ({
      name: `${name}.example.com`,
      admissionReviewVersions: ["v1"],
      sideEffects: "None",
      rules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE", "UPDATE"], resources: ["configmaps"] }],
      ...webhook,
    })),
  };
}

/** A JSON patch as webhooks give it. */
export function patchOf(...operations: readonly JsonObject[]): JsonObject {
  return { allowed: true, patchType: "JSONPatch", patch: btoa(JSON.stringify(operations)) };
}

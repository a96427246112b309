import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { TestWebhook } from "./admission/_webhooks.ts";

/** Writes a file that is gone when the test is over. */
export function writeTemporary(name: string, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), "wherry-files-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

/** A kubeconfig whose server is a webhook. */
export function kubeconfigOf({ url, caBundle }: Pick<TestWebhook, "url" | "caBundle">): string {
  return writeTemporary(
    "webhook.kubeconfig",
    JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "hook", cluster: { server: url, "certificate-authority-data": caBundle } }],
      users: [{ name: "me", user: { token: "the-apiserver" } }],
      contexts: [{ name: "hook", context: { cluster: "hook", user: "me" } }],
      "current-context": "hook",
    }),
  );
}

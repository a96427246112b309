import { describe, expect, it } from "vitest";
import { inProcessTransport } from "../../../core/client/in_process_transport.ts";
import { loggingTransport } from "../../../core/client/logging_transport.ts";
import { readBody } from "../../../core/client/transport.ts";
import { FakeClock } from "../../../core/util/fake_clock.ts";

const user = { username: "me", groups: [] };
const bytes = (text: string) => new TextEncoder().encode(text);
const { signal } = new AbortController();

/** What is written of one call, whose answer has a cookie. */
async function logged(level: number, path: string, headers: Record<string, string> = {}): Promise<string> {
  const lines: string[] = [];
  const answering = inProcessTransport(
    async () => ({
      status: 200,
      headers: { "set-cookie": "session=hidden-1", "content-type": "application/json" },
      body: bytes('{"answer":"hidden-2"}'),
    }),
    { user },
  );
  const clock = new FakeClock();
  const options = { level, server: "https://api:6443", write: (line: string) => void lines.push(line), clock, pid: 7 };
  await using transport = loggingTransport(answering, options);
  const request = { method: "POST", path, headers, body: bytes('{"sent":"hidden-3"}') } as const;
  const { body } = await transport.request(request, { signal });
  expect(new TextDecoder().decode(await readBody(body))).toBe('{"answer":"hidden-2"}');
  return lines.join("\n");
}

describe("loggingTransport()", () => {
  it("says more with each level", async () => {
    const path = "/api/v1/namespaces/default/configmaps";
    const request = `verb="POST" url="https://api:6443${path}"`;
    expect(await logged(6, path)).toContain(`"Response" ${request} status="200" milliseconds=0`);
    expect(await logged(7, path, { accept: "a/b" })).toContain(`"Request" ${request} headers=<\n\tAccept: a/b\n >`);
    expect(await logged(7, path)).not.toContain("answer");
    const bodies = await logged(8, path);
    expect(bodies).toContain('"Request Body" body="{\\"sent\\":\\"hidden-3\\"}"');
    expect(bodies).toContain('"Response Body" body="{\\"answer\\":\\"hidden-2\\"}"');
  });

  it.each([6, 7, 8, 9])("masks credentials in headers at level %d", async (level) => {
    const text = await logged(level, "/api/v1/nodes", {
      Authorization: "Bearer secret-1",
      "proxy-authorization": "Basic secret-2",
      cookie: "secret-3",
    });
    expect(text).not.toMatch(/secret-|hidden-1/);
    if (level >= 7) expect(text).toContain("Authorization: Bearer <masked>");
  });

  it.each([
    "/api/v1/namespaces/default/secrets",
    "/api/v1/namespaces/default/secrets/password?dryRun=All",
    "/api/v1/secrets?limit=500",
    "/api/v1/namespaces/default/serviceaccounts/default/token",
    "/apis/authentication.k8s.io/v1/tokenreviews",
  ])("never shows what %s is sent or answers", async (path) => {
    expect(await logged(9, path)).not.toContain("hidden");
  });
});

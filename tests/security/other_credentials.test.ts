import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../core/api/meta.ts";
import { type CertificateAndKey, createAuthority, issueCertificate } from "../../core/platform/certificates.ts";
import { systemClock } from "../../core/platform/clock.ts";
import { openMaster, type Target } from "./_master.ts";

const review = JSON.stringify({ apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" });

/** Who a request with these headers is, as the server says; the status line when it is nobody. */
async function whoIs(
  target: Target,
  headers: readonly string[],
  pair?: CertificateAndKey,
): Promise<JsonObject | string> {
  const lines = [
    "POST /apis/authentication.k8s.io/v1/selfsubjectreviews HTTP/1.1",
    "Host: x",
    "Connection: close",
    "Content-Type: application/json",
    `Content-Length: ${review.length}`,
    ...headers,
  ];
  const answer = await target.raw(
    `${lines.join("\r\n")}\r\n\r\n${review}`,
    pair ? { cert: pair.certificate, key: pair.key } : {},
  );
  const body = answer.slice(answer.indexOf("\r\n\r\n") + 4);
  return answer.startsWith("HTTP/1.1 201") ? JSON.parse(body).status.userInfo : answer.slice(0, 12);
}

describe("a front proxy", () => {
  it("is believed by its own authority's certificate, with the right name, and by nothing else", async () => {
    const authority = await createAuthority({ commonName: "front-proxy-ca", clock: systemClock });
    const pairFor = (commonName: string) =>
      issueCertificate(authority, { commonName, usage: "client", clock: systemClock });
    const clientCaFile = join(mkdtempSync(join(tmpdir(), "wherry-proxy-")), "ca.crt");
    writeFileSync(clientCaFile, authority.certificate);
    const target = await openMaster({
      authentication: {
        requestHeader: {
          clientCaFile,
          allowedNames: ["front"],
          usernameHeaders: ["X-Remote-User"],
          uidHeaders: ["X-Remote-Uid"],
          groupHeaders: ["X-Remote-Group"],
          extraHeadersPrefixes: ["X-Remote-Extra-"],
        },
      },
    });
    const headers = [
      "X-Remote-User: carol",
      "X-Remote-Uid: 7",
      "X-Remote-Group: cn=a, ou=b",
      "X-Remote-Group: c",
      "X-Remote-Extra-Acme.com%2fproject: x",
    ];
    const front = await pairFor("front");
    expect(await whoIs(target, headers, front)).toEqual({
      username: "carol",
      uid: "7",
      groups: ["cn=a, ou=b", "c", "system:authenticated"],
      extra: { "acme.com/project": ["x"] },
    });
    expect(await whoIs(target, headers)).toBe("HTTP/1.1 401");
    expect(await whoIs(target, headers, await pairFor("other"))).toBe("HTTP/1.1 401");
    // Its certificate makes nobody a user by itself.
    expect(await whoIs(target, [], front)).toBe("HTTP/1.1 401");
    const own = await target.master.issueClientCertificate({ commonName: "dave", organizations: ["dev"] });
    expect(await whoIs(target, headers, own)).toMatchObject({
      username: "dave",
      groups: ["dev", "system:authenticated"],
    });
  });
});

describe("an authority of the user's own", () => {
  it("makes its certificates' holders users, beside the cluster's, and no front proxies", async () => {
    const authority = await createAuthority({ commonName: "company", clock: systemClock });
    const proxies = await createAuthority({ commonName: "front-proxy-ca", clock: systemClock });
    const folder = mkdtempSync(join(tmpdir(), "wherry-ca-"));
    const write = (name: string, text: string) => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const clientCaFile = write("clients.crt", authority.certificate);
    const usual = {
      allowedNames: [],
      usernameHeaders: ["X-Remote-User"],
      uidHeaders: [],
      groupHeaders: ["X-Remote-Group"],
      extraHeadersPrefixes: [],
    };
    const erin = await issueCertificate(authority, {
      commonName: "erin",
      organizations: ["sales"],
      usage: "client",
      clock: systemClock,
    });
    const asErin = { username: "erin", groups: ["sales", "system:authenticated"] };
    const alone = await openMaster({ authentication: { clientCaFile } });
    expect(await whoIs(alone, [], erin)).toMatchObject(asErin);
    const own = await alone.master.issueClientCertificate({ commonName: "dave" });
    expect(await whoIs(alone, [], own)).toMatchObject({ username: "dave" });
    const published = await alone.ask(
      "GET",
      "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication",
    );
    expect(published.json.data["client-ca-file"]).toContain(authority.certificate.trim());

    const requestHeader = { ...usual, clientCaFile: write("proxies.crt", proxies.certificate) };
    const both = await openMaster({ authentication: { clientCaFile, requestHeader } });
    expect(await whoIs(both, ["X-Remote-User: carol"], erin)).toMatchObject(asErin);
    const without = await openMaster();
    expect(await whoIs(without, [], erin)).toBe("HTTP/1.1 401");
    await expect(openMaster({ authentication: { clientCaFile: write("none", "") } })).rejects.toThrow(
      "--client-ca-file: ",
    );
  });
});

describe("a bootstrap token", () => {
  const secret = (id: string, data: Record<string, string>, type = "bootstrap.kubernetes.io/token"): JsonObject => ({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: `bootstrap-token-${id}`, namespace: "kube-system" },
    type,
    stringData: {
      "token-id": id,
      "token-secret": "0123456789abcdef",
      "usage-bootstrap-authentication": "true",
      ...data,
    },
  });
  const as = (target: Target, token: string) => whoIs(target, [`Authorization: Bearer ${token}`]);

  it("makes one a new node, when it is on, as long as it says, with its groups", async () => {
    const target = await openMaster({ authentication: { enableBootstrapTokenAuth: true } });
    const make = (...made: Parameters<typeof secret>) =>
      target.ask("POST", "/api/v1/namespaces/kube-system/secrets", { body: secret(...made) });
    await make("abcdef", { "auth-extra-groups": "system:bootstrappers:kubeadm:default-node-token" });
    expect(await as(target, "abcdef.0123456789abcdef")).toEqual({
      username: "system:bootstrap:abcdef",
      groups: ["system:bootstrappers", "system:bootstrappers:kubeadm:default-node-token", "system:authenticated"],
    });
    await make("expire", { expiration: "2020-01-01T00:00:00Z" });
    await make("nodate", { expiration: "soon" });
    await make("unused", { "usage-bootstrap-authentication": "false" });
    await make("groups", { "auth-extra-groups": "system:masters" });
    await make("opaque", {}, "Opaque");
    for (const id of ["expire", "nodate", "unused", "groups", "opaque", "absent"])
      expect([id, await as(target, `${id}.0123456789abcdef`)]).toEqual([id, "HTTP/1.1 401"]);
    for (const wrong of ["abcdef.0123456789abcdeg", "abcdef.0123456789ABCDEF", "abcdef", "__proto.0123456789abcdef"])
      expect([wrong, await as(target, wrong)]).toEqual([wrong, "HTTP/1.1 401"]);
    await target.ask("DELETE", "/api/v1/namespaces/kube-system/secrets/bootstrap-token-abcdef");
    expect(await as(target, "abcdef.0123456789abcdef")).toBe("HTTP/1.1 401");
  });

  it("is nothing when it is off", async () => {
    const target = await openMaster();
    await target.ask("POST", "/api/v1/namespaces/kube-system/secrets", { body: secret("abcdef", {}) });
    expect(await as(target, "abcdef.0123456789abcdef")).toBe("HTTP/1.1 401");
  });
});

describe("whoever shows nothing", () => {
  it("is system:anonymous where that is on, and may do what its roles say", async () => {
    const target = await openMaster({ authentication: { anonymousAuth: true } });
    expect(await whoIs(target, [])).toBe("HTTP/1.1 403");
    expect((await target.ask("GET", "/version", { isKnown: false })).status).toBe(200);
    expect((await target.ask("GET", "/api", { isKnown: false })).json.message).toBe(
      'forbidden: User "system:anonymous" cannot get path "/api"',
    );
    expect(await whoIs(target, ["Authorization: Bearer wrong"])).toBe("HTTP/1.1 401");
  });
});

import { describe, expect, it } from "vitest";
import type { UserInfo } from "../../../core/client/transport.ts";
import { impersonate } from "../../../master_daemon/apiserver/filters/impersonation.ts";
import type { Authorizer, ResourceAttributes } from "../../../master_daemon/authorization/authorizer.ts";

const alice: UserInfo = { username: "alice", groups: ["system:authenticated"] };

/** Allows everything that is not named, and notes what it was asked. */
function open(refused: readonly string[] = []): { readonly asked: string[]; readonly authorizer: Authorizer } {
  const asked: string[] = [];
  const authorizer: Authorizer = {
    async authorize(_user, attributes) {
      const { verb, group, resource, subresource, namespace, name } = attributes as ResourceAttributes;
      const text = [verb, group, subresource ? `${resource}/${subresource}` : resource, namespace, name].join(" ");
      asked.push(text);
      return { allowed: !refused.includes(text) };
    },
  };
  return { asked, authorizer };
}

const act = (
  headers: Record<string, string>,
  values?: Record<string, readonly string[]>,
  refused?: readonly string[],
) =>
  impersonate(open(refused).authorizer, alice, {
    headers,
    ...(values ? { values: (name) => values[name] ?? [] } : {}),
  });

describe("impersonate()", () => {
  it("changes nothing without its headers", async () => {
    expect(await act({ accept: "*/*" })).toBe(alice);
  });

  it.each<[string, Record<string, string>, UserInfo]>([
    ["a user", { "impersonate-user": "bob" }, { username: "bob", groups: ["system:authenticated"] }],
    [
      "a user with groups and uid",
      { "impersonate-user": "bob", "impersonate-group": "cn=dev, ou=a", "impersonate-uid": "7" },
      { username: "bob", uid: "7", groups: ["cn=dev, ou=a", "system:authenticated"] },
    ],
    [
      "a service account, whose groups are known",
      { "impersonate-user": "system:serviceaccount:n:s" },
      {
        username: "system:serviceaccount:n:s",
        groups: ["system:serviceaccounts", "system:serviceaccounts:n", "system:authenticated"],
      },
    ],
    [
      "a service account in other groups",
      { "impersonate-user": "system:serviceaccount:n:s", "impersonate-group": "g" },
      { username: "system:serviceaccount:n:s", groups: ["g", "system:authenticated"] },
    ],
    [
      "nobody",
      { "impersonate-user": "system:anonymous" },
      { username: "system:anonymous", groups: ["system:unauthenticated"] },
    ],
    [
      "somebody unknown",
      { "impersonate-user": "bob", "impersonate-group": "system:unauthenticated" },
      { username: "bob", groups: ["system:unauthenticated"] },
    ],
    [
      "extra information, whose keys are escaped",
      { "impersonate-user": "bob", "impersonate-extra-acme.com%2fproject": "x", "impersonate-extra-b%zz": "y" },
      { username: "bob", groups: ["system:authenticated"], extra: { "acme.com/project": ["x"], "b%zz": ["y"] } },
    ],
  ])("is %s", async (_what, headers, expected) => {
    expect(await act(headers)).toEqual(expected);
  });

  it("keeps repeated headers apart", async () => {
    const values = { "impersonate-group": ["a, b", "c"] };
    expect((await act({ "impersonate-user": "bob", "impersonate-group": "a, b, c" }, values)).groups).toEqual([
      "a, b",
      "c",
      "system:authenticated",
    ]);
  });

  it("asks for the right to be each thing that is asked for", async () => {
    const { asked, authorizer } = open();
    const headers = {
      "impersonate-user": "bob",
      "impersonate-group": "dev",
      "impersonate-uid": "7",
      "impersonate-extra-scopes": "view",
    };
    await impersonate(authorizer, alice, { headers });
    await impersonate(authorizer, alice, { headers: { "impersonate-user": "system:serviceaccount:n:s" } });
    expect(asked).toEqual([
      "impersonate  users  bob",
      "impersonate  groups  dev",
      "impersonate authentication.k8s.io userextras/scopes  view",
      "impersonate authentication.k8s.io uids  7",
      "impersonate  serviceaccounts n s",
    ]);
  });

  it.each<[Record<string, string>, string, string]>([
    [
      { "impersonate-user": "bob" },
      "impersonate  users  bob",
      'users "bob" is forbidden: User "alice" cannot impersonate resource "users" in API group "" at the cluster scope',
    ],
    [
      { "impersonate-user": "bob", "impersonate-extra-scopes": "view" },
      "impersonate authentication.k8s.io userextras/scopes  view",
      'userextras.authentication.k8s.io "view" is forbidden: User "alice" cannot impersonate resource "userextras/scopes" in API group "authentication.k8s.io" at the cluster scope',
    ],
    [
      { "impersonate-user": "system:serviceaccount:n:s" },
      "impersonate  serviceaccounts n s",
      'serviceaccounts "s" is forbidden: User "alice" cannot impersonate resource "serviceaccounts" in API group "" in the namespace "n"',
    ],
  ])("says what may not be impersonated: %j", async (headers, refused, message) => {
    await expect(act(headers, undefined, [refused])).rejects.toMatchObject({ code: 403, message });
  });

  it("refuses groups without a user, in Kubernetes' words", async () => {
    await expect(act({ "impersonate-group": "dev", "impersonate-uid": "7" })).rejects.toThrow(
      "requested [{Group  dev    } {UID  7  authentication.k8s.io/v1  }] without impersonating a user",
    );
  });
});

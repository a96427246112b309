import type { UserInfo } from "../../core/client/transport.ts";
import type { Authorizer } from "../authorization/authorizer.ts";

/** Whether somebody may approve or sign for a signer: by its name, or for all of its domain. */
export async function maySign(
  authorizer: Authorizer,
  user: UserInfo,
  verb: "approve" | "sign",
  signerName: string,
): Promise<boolean> {
  const [domain = ""] = signerName.split("/", 1);
  for (const name of [signerName, `${domain}/*`]) {
    const { allowed } = await authorizer.authorize(user, {
      type: "resource",
      verb,
      group: "certificates.k8s.io",
      version: "*",
      resource: "signers",
      subresource: undefined,
      namespace: undefined,
      name,
    });
    if (allowed) return true;
  }
  return false;
}

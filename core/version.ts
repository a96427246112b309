/** wherry's own version. */
export const version = "0.1.0";

/** The Kubernetes release whose API is served. */
export const kubernetesVersion: { readonly major: string; readonly minor: string; readonly patch: string } = {
  major: "1",
  minor: "36",
  patch: "0",
};

/** What `/version` and node status say: the API's release with wherry's version as build metadata. */
export const gitVersion: string = `v${kubernetesVersion.major}.${kubernetesVersion.minor}.${kubernetesVersion.patch}+wherry.${version}`;

declare const WHERRY_GIT_COMMIT: string | undefined;

/** The commit that it was built from, in hex digits; empty where that is not known, as when the sources run as they are. */
export const gitCommit: string = typeof WHERRY_GIT_COMMIT === "string" ? WHERRY_GIT_COMMIT : "";

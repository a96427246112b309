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

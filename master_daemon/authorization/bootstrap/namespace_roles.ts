/** A role in one of the cluster's own namespaces, in the lines of {@linkcode clusterRoles}, and who has it. */
export interface NamespaceRole {
  readonly namespace: string;
  readonly name: string;
  readonly rules: string;
  /** Name of the binding. Default: that of the role. */
  readonly binding?: string;
  readonly subjects: readonly string[];
}

/** The roles that every cluster has in its own namespaces. */
export const namespaceRoles: readonly NamespaceRole[] = [
  {
    namespace: "kube-public",
    name: "system:controller:bootstrap-signer",
    rules: `
      read core configmaps
      update core configmaps cluster-info
      events`,
    subjects: ["ServiceAccount kube-system/bootstrap-signer"],
  },
  {
    namespace: "kube-system",
    name: "extension-apiserver-authentication-reader",
    rules: "read core configmaps extension-apiserver-authentication",
    binding: "system::extension-apiserver-authentication-reader",
    // Nodes learn there which certificate the API server shows them.
    subjects: ["User system:kube-controller-manager", "User system:kube-scheduler", "Group system:nodes"],
  },
  {
    namespace: "kube-system",
    name: "system::leader-locking-kube-controller-manager",
    rules: `
      watch core configmaps
      get,update core configmaps kube-controller-manager`,
    subjects: ["User system:kube-controller-manager", "ServiceAccount kube-system/kube-controller-manager"],
  },
  {
    namespace: "kube-system",
    name: "system::leader-locking-kube-scheduler",
    rules: `
      watch core configmaps
      get,update core configmaps kube-scheduler`,
    subjects: ["User system:kube-scheduler", "ServiceAccount kube-system/kube-scheduler"],
  },
  {
    namespace: "kube-system",
    name: "system:controller:bootstrap-signer",
    rules: "read core secrets",
    subjects: ["ServiceAccount kube-system/bootstrap-signer"],
  },
  {
    namespace: "kube-system",
    name: "system:controller:cloud-provider",
    rules: "create,get,list,watch core configmaps",
    subjects: ["ServiceAccount kube-system/cloud-provider"],
  },
  {
    namespace: "kube-system",
    name: "system:controller:token-cleaner",
    rules: `
      get,list,watch,delete core secrets
      events`,
    subjects: ["ServiceAccount kube-system/token-cleaner"],
  },
];

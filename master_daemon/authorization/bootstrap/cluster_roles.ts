/**
 * The cluster roles that every cluster has, a line for each rule: verbs, API groups, resources and, where only some are
 * meant, their names; or verbs and paths. `core` is the core group; `read`, `write` and `all` stand for several verbs and
 * `events` for the rule of everybody who records events.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings
 */
export const clusterRoles: Readonly<Record<string, string>> = {
  "cluster-admin": `
    * * *
    * *`,
  "system:aggregate-to-admin": `
    create authorization.k8s.io localsubjectaccessreviews
    all rbac.authorization.k8s.io roles,rolebindings`,
  "system:aggregate-to-edit": `
    read core pods/attach,pods/proxy,pods/exec,pods/portforward,secrets,services/proxy
    impersonate core serviceaccounts
    write core pods,pods/attach,pods/proxy,pods/exec,pods/portforward
    create core pods/eviction
    write core replicationcontrollers,replicationcontrollers/scale,serviceaccounts,services,services/proxy,persistentvolumeclaims,configmaps,secrets,events
    create core serviceaccounts/token
    write apps statefulsets,statefulsets/scale,daemonsets,deployments,deployments/scale,deployments/rollback,replicasets,replicasets/scale
    write autoscaling horizontalpodautoscalers
    write batch jobs,cronjobs
    write extensions daemonsets,deployments,deployments/scale,deployments/rollback,ingresses,replicasets,replicasets/scale,replicationcontrollers/scale,networkpolicies
    write policy poddisruptionbudgets
    write networking.k8s.io networkpolicies,ingresses
    all coordination.k8s.io leases
    write resource.k8s.io resourceclaims,resourceclaimtemplates`,
  "system:aggregate-to-view": `
    read core pods,replicationcontrollers,replicationcontrollers/scale,serviceaccounts,services,services/status,endpoints,persistentvolumeclaims,persistentvolumeclaims/status,configmaps
    read core limitranges,resourcequotas,bindings,events,pods/status,resourcequotas/status,namespaces/status,replicationcontrollers/status,pods/log
    read core namespaces
    read discovery.k8s.io endpointslices
    read apps controllerrevisions,statefulsets,statefulsets/status,statefulsets/scale,daemonsets,daemonsets/status,deployments,deployments/status,deployments/scale,replicasets,replicasets/status,replicasets/scale
    read autoscaling horizontalpodautoscalers,horizontalpodautoscalers/status
    read batch jobs,cronjobs,cronjobs/status,jobs/status
    read extensions daemonsets,daemonsets/status,deployments,deployments/scale,deployments/status,ingresses,ingresses/status,replicasets,replicasets/scale,replicasets/status,replicationcontrollers/scale,networkpolicies
    read policy poddisruptionbudgets,poddisruptionbudgets/status
    read networking.k8s.io networkpolicies,ingresses,ingresses/status
    read resource.k8s.io resourceclaims,resourceclaims/status,resourceclaimtemplates`,
  "system:aggregated-metrics-reader": `
    read metrics.k8s.io pods,nodes`,
  "system:auth-delegator": `
    create authentication.k8s.io tokenreviews
    create authorization.k8s.io subjectaccessreviews`,
  "system:basic-user": `
    create authorization.k8s.io selfsubjectaccessreviews,selfsubjectrulesreviews
    create authentication.k8s.io selfsubjectreviews`,
  "system:certificates.k8s.io:certificatesigningrequests:nodeclient": `
    create certificates.k8s.io certificatesigningrequests/nodeclient`,
  "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient": `
    create certificates.k8s.io certificatesigningrequests/selfnodeclient`,
  "system:certificates.k8s.io:kube-apiserver-client-approver": `
    approve certificates.k8s.io signers kubernetes.io/kube-apiserver-client`,
  "system:certificates.k8s.io:kube-apiserver-client-kubelet-approver": `
    approve certificates.k8s.io signers kubernetes.io/kube-apiserver-client-kubelet`,
  "system:certificates.k8s.io:kubelet-serving-approver": `
    approve certificates.k8s.io signers kubernetes.io/kubelet-serving`,
  "system:certificates.k8s.io:legacy-unknown-approver": `
    approve certificates.k8s.io signers kubernetes.io/legacy-unknown`,
  "system:discovery": `
    get /livez,/readyz,/healthz,/version,/version/,/openapi,/openapi/*,/api,/api/*,/apis,/apis/*`,
  "system:heapster": `
    read core events,pods,nodes,namespaces
    read extensions deployments`,
  "system:kube-aggregator": `
    read core services,endpoints`,
  "system:kube-controller-manager": `
    events
    create coordination.k8s.io leases
    get,update coordination.k8s.io leases kube-controller-manager
    create core secrets,serviceaccounts
    delete core secrets
    get core namespaces,secrets,serviceaccounts,configmaps
    update core secrets,serviceaccounts
    create authentication.k8s.io tokenreviews
    create authorization.k8s.io subjectaccessreviews
    list,watch * *
    create core serviceaccounts/token`,
  "system:kube-dns": `
    list,watch core endpoints,services
    list,watch discovery.k8s.io endpointslices`,
  "system:kube-scheduler": `
    events
    create coordination.k8s.io leases
    get,update coordination.k8s.io leases kube-scheduler
    read core nodes,namespaces
    get,list,watch,delete core pods
    create core pods/binding,bindings
    patch,update core pods/status
    read core services,replicationcontrollers
    read apps,extensions replicasets
    read apps statefulsets
    read policy poddisruptionbudgets
    read core persistentvolumeclaims,persistentvolumes
    create authentication.k8s.io tokenreviews
    create authorization.k8s.io subjectaccessreviews
    read storage.k8s.io csinodes,csidrivers,csistoragecapacities,volumeattachments
    read resource.k8s.io deviceclasses,resourceslices
    read,update,patch resource.k8s.io resourceclaims
    update,patch resource.k8s.io resourceclaims/status`,
  "system:kubelet-api-admin": `
    read core nodes
    proxy core nodes
    * core nodes/proxy,nodes/metrics,nodes/stats,nodes/log,nodes/configz,nodes/healthz,nodes/pods`,
  "system:monitoring": `
    get /metrics,/metrics/slis,/livez,/readyz,/healthz,/livez/*,/readyz/*,/healthz/*`,
  "system:node": `
    create authentication.k8s.io tokenreviews
    create authorization.k8s.io subjectaccessreviews,localsubjectaccessreviews
    read core services
    create,get,list,watch core nodes
    update,patch core nodes/status
    update,patch core nodes
    create,update,patch core events
    create,update,patch events.k8s.io events
    read core pods
    create,delete core pods
    update,patch core pods/status
    create core pods/eviction
    read core secrets,configmaps
    get core persistentvolumeclaims,persistentvolumes
    get core endpoints
    create,get,list,watch certificates.k8s.io certificatesigningrequests
    get,create,update,patch,delete coordination.k8s.io leases
    get storage.k8s.io volumeattachments
    get,update,patch core persistentvolumeclaims/status
    create core serviceaccounts/token
    read storage.k8s.io csidrivers
    get,create,update,patch,delete storage.k8s.io csinodes
    read node.k8s.io runtimeclasses
    get resource.k8s.io resourceclaims
    deletecollection resource.k8s.io resourceslices
    get,list,watch,create,update,patch,delete resource.k8s.io resourceslices`,
  "system:node-bootstrapper": `
    create,get,list,watch certificates.k8s.io certificatesigningrequests`,
  "system:node-problem-detector": `
    get core nodes
    patch core nodes/status
    events`,
  "system:node-proxier": `
    list,watch core services
    read core nodes
    list,watch core endpoints
    list,watch discovery.k8s.io endpointslices
    list,watch networking.k8s.io servicecidrs
    events`,
  "system:persistent-volume-provisioner": `
    get,list,watch,create,delete core persistentvolumes
    get,list,watch,update core persistentvolumeclaims
    read storage.k8s.io storageclasses
    watch core events
    events`,
  "system:public-info-viewer": `
    get /livez,/readyz,/healthz,/version,/version/`,
  "system:service-account-issuer-discovery": `
    get /.well-known/openid-configuration,/.well-known/openid-configuration/,/openid/v1/jwks,/openid/v1/jwks/`,
  "system:volume-scheduler": `
    get,list,watch,patch,update core persistentvolumes
    read storage.k8s.io storageclasses
    get,list,watch,patch,update core persistentvolumeclaims`,
};

/** Cluster roles made of others: those with the label `rbac.authorization.k8s.io/aggregate-to-NAME`. Each is part of the one before. */
export const aggregatedRoles: readonly string[] = ["admin", "edit", "view"];

/** Who has which cluster role: `User NAME`, `Group NAME`, `ServiceAccount NAMESPACE/NAME`. */
export const clusterRoleBindings: Readonly<Record<string, readonly string[]>> = {
  "cluster-admin": ["Group system:masters"],
  "system:basic-user": ["Group system:authenticated"],
  "system:discovery": ["Group system:authenticated"],
  "system:kube-controller-manager": ["User system:kube-controller-manager"],
  "system:kube-dns": ["ServiceAccount kube-system/kube-dns"],
  "system:kube-scheduler": ["User system:kube-scheduler"],
  "system:monitoring": ["Group system:monitoring"],
  // The node authorizer allows nodes what they need.
  "system:node": [],
  // The node daemon is the proxy, too.
  "system:node-proxier": ["User system:kube-proxy", "Group system:nodes"],
  "system:public-info-viewer": ["Group system:authenticated", "Group system:unauthenticated"],
  "system:service-account-issuer-discovery": ["Group system:serviceaccounts"],
  "system:volume-scheduler": ["User system:kube-scheduler"],
};

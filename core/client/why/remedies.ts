/** What would help, by what Kubernetes says went wrong. Pure, like all here. */

/** What to do about an image that a node does not get. */
export function imageRemedy(reason: string, message: string): string {
  if (reason === "ErrImageNeverPull") return "pull the image on the node, or change imagePullPolicy";
  if (reason === "InvalidImageName" || /invalid reference format/.test(message)) return "correct the image's name";
  if (
    /connection refused|no such host|i\/o timeout|server misbehaving|deadline exceeded|no route to host/.test(message)
  )
    return "check that the node reaches the registry, and that the image's name begins with the right one";
  if (/not found|manifest unknown|does not exist/i.test(message) && !/denied|unauthorized/i.test(message))
    return "check the image's name and tag";
  return "check the image's name and tag, and the pod's imagePullSecrets";
}

/** What to do about a ConfigMap or Secret, or a key of it, that is not there; or about what else keeps a container from being made. */
export function referenceRemedy(message: string): string | undefined {
  const key = /couldn't find key (\S+) in (ConfigMap|Secret) \S+\/(\S+)/.exec(message);
  if (key) return `add the key ${key[1]} to the ${key[2]} ${key[3]}, or mark the reference as optional`;
  const object = /\b(configmap|secret) "([^"]+)" not found/.exec(message);
  if (object?.[1])
    return `make it: wherry create ${object[1] === "secret" ? "secret generic" : "configmap"} ${object[2]}, or mark the reference as optional`;
  if (/runAsNonRoot and image will run as root/.test(message))
    return "set securityContext.runAsUser to a user other than 0, or take an image that names one";
  return undefined;
}

/** What to do about an admission that refused pods. */
export function refusalRemedy(message: string): string | undefined {
  if (/failed quota: .*must specify/.test(message))
    return "let the pod template ask for it, or give a LimitRange that says what is the default";
  if (/exceeded quota|insufficient quota/.test(message)) return "ask for less, free some, or raise the ResourceQuota";
  const limit = /(maximum|minimum) \S+ usage per (\w+)|limit to request ratio per (\w+)/.exec(message);
  if (limit)
    return "change what the pod template asks for, or the namespace's LimitRange: wherry get limitranges -o yaml";
  const hook = /failed calling webhook "([^"]+)"/.exec(message);
  if (hook)
    return `bring back what serves the webhook ${hook[1]}, or let its failurePolicy be Ignore: wherry get validatingwebhookconfigurations,mutatingwebhookconfigurations`;
  if (/violates PodSecurity/.test(message))
    return "set what it names in the pod template's securityContext, or lower the namespace's label pod-security.kubernetes.io/enforce";
  const account = /serviceaccount "([^"]+)" not found/.exec(message);
  if (account) return `wherry create serviceaccount ${account[1]}`;
  return undefined;
}

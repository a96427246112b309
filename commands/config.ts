import { getContexts } from "./config/get_contexts.ts";
import { currentContext, getClusters, getUsers } from "./config/names.ts";
import { deleteCluster, deleteContext, deleteUser } from "./config/remove.ts";
import { renameContext } from "./config/rename_context.ts";
import { set, unset } from "./config/set.ts";
import { setCluster } from "./config/set_cluster.ts";
import { setContext } from "./config/set_context.ts";
import { setCredentials } from "./config/set_credentials.ts";
import { useContext } from "./config/use_context.ts";
import { view } from "./config/view.ts";
import { defineVerb, type Verb } from "./verb.ts";

/** Shows and changes the kubeconfig. @see https://kubernetes.io/docs/reference/kubectl/generated/kubectl_config/ */
export const config: Verb = defineVerb({
  name: "config",
  group: "Settings",
  summary: "Show and change the kubeconfig.",
  description:
    "Works on the file given with --kubeconfig, else on those of $KUBECONFIG together, else on ~/.kube/config. An entry is changed in the file where it stands.",
  flags: {},
  verbs: [
    currentContext,
    deleteCluster,
    deleteContext,
    deleteUser,
    getClusters,
    getContexts,
    getUsers,
    renameContext,
    set,
    setCluster,
    setContext,
    setCredentials,
    unset,
    useContext,
    view,
  ],
});

import { keyOf, type ObjectKey } from "../../core/api/meta.ts";
import { isReason } from "../../core/api/status.ts";
import { namespace, serviceAccount } from "../../core/kinds/mod.ts";
import { isNamespaceTerminating } from "./_errors.ts";
import type { Controller, ControllerContext, ReconcileResult } from "./controller.ts";

const accountName = "default";

/** Gives every namespace the ServiceAccount `default`, which pods use that name no other. */
export const serviceAccountController: Controller = {
  name: "serviceaccount-controller",
  account: "service-account-controller",
  reconciles: namespace,
  watches: [
    {
      kind: serviceAccount,
      keys: ({ metadata }) => (metadata.name === accountName ? [{ name: metadata.namespace ?? "" }] : []),
    },
  ],
  reconcile,
};

async function reconcile(key: ObjectKey, { client, lister, signal }: ControllerContext): Promise<ReconcileResult> {
  const observed = lister(namespace).get(key);
  if (!observed || observed.metadata.deletionTimestamp) return undefined;
  const metadata = { namespace: keyOf(observed).name, name: accountName };
  if (lister(serviceAccount).get(metadata)) return undefined;
  try {
    await client.create(serviceAccount, { apiVersion: "v1", kind: "ServiceAccount", metadata }, { signal });
  } catch (error) {
    if (!isReason(error, "AlreadyExists") && !isNamespaceTerminating(error)) throw error;
  }
  return undefined;
}

import { transcripts } from "./_transcripts.ts";

transcripts(
  "explain",
  [
    "explain pod",
    "explain pod.spec.containers.ports",
    "explain deploy.spec.strategy",
    "explain deployments.apps.spec.replicas",
    "explain pod.spec.restartPolicy",
    "explain pod.metadata.labels",
    "explain cm --recursive",
    "explain svc.spec --recursive",
    "explain pod.nothing",
    "explain nonsense",
    "explain",
    "explain a b",
    "explain hpa.spec --api-version=autoscaling/v1",
    "explain pod --api-version=nope/v1",
    ...[
      "pod",
      "pod.spec.containers",
      "pod.spec.containers.name",
      "pod.spec.containers.resources.limits",
      "pod.metadata.managedFields.fieldsV1",
      "crd.spec.versions.schema --recursive",
      "svc.nothing",
      "pod --api-version=nope/v1",
    ].map((what) => `explain --output plaintext-openapiv2 ${what}`),
  ].map((line) => ({ lines: [line] })),
);

"""Uses Kubernetes' Python client as its users do; prints one line for each thing that worked."""

import sys
import time

from kubernetes import client, config, watch
from kubernetes.client.rest import ApiException
from kubernetes.dynamic import DynamicClient
from kubernetes.stream import stream

NAMESPACE = "python"

config.load_kube_config(sys.argv[1])
core = client.CoreV1Api()
apps = client.AppsV1Api()


def until(look):
    for _ in range(1200):
        found = look()
        if found:
            return found
        time.sleep(0.05)
    raise RuntimeError("it did not happen")


core.create_namespace({"metadata": {"name": NAMESPACE}})
print("version", client.VersionApi().get_code().git_version.split(".")[0])

core.create_namespaced_config_map(NAMESPACE, {"metadata": {"name": "a", "labels": {"x": "y"}}, "data": {"k": "1"}})
core.patch_namespaced_config_map("a", NAMESPACE, {"data": {"k": "2"}})
listed = core.list_namespaced_config_map(NAMESPACE, label_selector="x=y")
print("configmap", listed.items[0].data["k"])

try:
    core.create_namespaced_config_map(NAMESPACE, {"metadata": {"name": "a"}})
except ApiException as error:
    print("conflict", error.status, error.reason)

seen = []
version = core.list_namespaced_config_map(NAMESPACE).metadata.resource_version
core.create_namespaced_config_map(NAMESPACE, {"metadata": {"name": "b", "labels": {"x": "z"}}})
core.delete_namespaced_config_map("b", NAMESPACE)
for event in watch.Watch().stream(
    core.list_namespaced_config_map, NAMESPACE, label_selector="x=z", resource_version=version, timeout_seconds=60
):
    seen.append(event["type"] + " " + event["object"].metadata.name)
    if len(seen) == 2:
        break
print("watch", ", ".join(seen))

labels = {"app": "web"}
container = {"name": "main", "image": "shell:1", "command": ["sh", "-c", "echo hello; exec sleep 600"]}
apps.create_namespaced_deployment(
    NAMESPACE,
    {
        "metadata": {"name": "web"},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    },
)
until(lambda: apps.read_namespaced_deployment_status("web", NAMESPACE).status.ready_replicas)
pod = core.list_namespaced_pod(NAMESPACE, label_selector="app=web").items[0].metadata.name
print("log", until(lambda: core.read_namespaced_pod_log(pod, NAMESPACE)).strip())
answer = stream(
    core.connect_get_namespaced_pod_exec,
    pod,
    NAMESPACE,
    command=["sh", "-c", "echo out; echo err >&2"],
    stdout=True,
    stderr=True,
    stdin=False,
    tty=False,
)
print("exec", " ".join(sorted(answer.split())))

dynamic = DynamicClient(client.ApiClient())
services = dynamic.resources.get(api_version="v1", kind="Service")
services.create(namespace=NAMESPACE, body={"metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}})
print("dynamic", services.get(namespace=NAMESPACE, name="web").spec.ports[0].protocol)

core.delete_namespace(NAMESPACE)
until(lambda: NAMESPACE not in [one.metadata.name for one in core.list_namespace().items])
print("gone", NAMESPACE)

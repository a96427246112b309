import type { Container, Pod } from "../../core/kinds/pod.ts";
import type { Clock } from "../../core/util/clock.ts";
import { errorMessage } from "../../core/util/log.ts";
import { type ContainerRuntime, RuntimeFailure } from "../runtime/runtime.ts";
import { withDeadline } from "./deadline.ts";
import type { DataSource } from "./environment.ts";
import { goDuration } from "./go_duration.ts";
import type { ImageRecords } from "./images/image_records.ts";
import type { ContainerReference, PodEvents } from "./pod_events.ts";
import { loginsFor, type RegistryLogin } from "./pull_secrets.ts";

/** What {@linkcode ensureImage} works with. */
export interface ImageOptions {
  readonly runtime: ContainerRuntime;
  readonly events: PodEvents;
  readonly clock: Clock;
  /** Where it is noted what was fetched. */
  readonly imageRecords?: ImageRecords | undefined;
  /** Where the Secrets come from that the pod logs in to registries with. */
  readonly data: Pick<DataSource, "secret">;
  readonly signal: AbortSignal;
}

/** A registry that sends nothing must not hold a pod up for ever. */
const pullTimeoutMs = 30 * 60 * 1000;

/**
 * Makes the image of a container be there, as its pull policy says.
 *
 * @throws RuntimeFailure ErrImagePull, ErrImageNeverPull, InvalidImageName
 * @see https://kubernetes.io/docs/concepts/containers/images/#image-pull-policy
 */
export async function ensureImage(
  pod: Pod,
  { spec, reference }: { readonly spec: Container; readonly reference: ContainerReference },
  { runtime, events, clock, data, imageRecords, signal }: ImageOptions,
): Promise<void> {
  const { image = "", imagePullPolicy = "IfNotPresent" } = spec;
  const present = await runtime.images.find(image, { signal });
  if (present !== undefined && imagePullPolicy !== "Always") {
    events.normal(pod, "Pulled", `Container image "${image}" already present on machine`, reference);
    return;
  }
  if (imagePullPolicy === "Never") {
    const message = `Container image "${image}" is not present with pull policy of Never`;
    events.warning(pod, "ErrImageNeverPull", message, reference);
    throw new RuntimeFailure("ErrImageNeverPull", message);
  }
  events.normal(pod, "Pulling", `Pulling image "${image}"`, reference);
  const startedAt = clock.monotonic();
  try {
    const logins = await loginsFor(image, pod, data);
    await withDeadline<unknown>({ clock, timeoutMs: pullTimeoutMs, signal }, (cut) =>
      imageRecords
        ? imageRecords.pulled(() => pull(image, logins, { runtime, signal: cut }), { signal: cut })
        : pull(image, logins, { runtime, signal: cut }),
    );
  } catch (error) {
    signal.throwIfAborted();
    const message = `Failed to pull image "${image}": ${errorMessage(error)}`;
    events.warning(pod, "Failed", message, reference);
    if (error instanceof RuntimeFailure) throw error;
    throw new RuntimeFailure("ErrImagePull", errorMessage(error), { cause: error });
  }
  const took = goDuration(clock.monotonic() - startedAt);
  const message = `Successfully pulled image "${image}" in ${took} (${took} including waiting).`;
  events.normal(pod, "Pulled", message, reference);
}

/** Fetches an image with the first login that opens its registry; without any, as anybody may. */
async function pull(
  image: string,
  logins: readonly RegistryLogin[],
  { runtime, signal }: Pick<ImageOptions, "runtime" | "signal">,
): Promise<string> {
  const failures: unknown[] = [];
  for (const auth of logins.length > 0 ? logins : [undefined]) {
    try {
      return await runtime.images.pull(image, { signal, ...(auth ? { auth } : {}) });
    } catch (error) {
      signal.throwIfAborted();
      failures.push(error);
    }
  }
  throw failures[0];
}

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
import { mayMount, mayNotMount } from "./volumes/mounts.ts";

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
 * Makes the images be there that a container mounts as volumes.
 *
 * @throws RuntimeFailure as {@linkcode ensureImage}; CreateContainerError when the node cannot mount images
 */
export async function ensureImageVolumes(
  pod: Pod,
  { volumeMounts = [] }: Container,
  options: ImageOptions,
): Promise<void> {
  const { runtime } = options;
  // Who looks at no files needs no images.
  if (!runtime.readsFiles) return;
  for (const { name, image } of pod.spec.volumes ?? []) {
    if (!image || !volumeMounts.some((mount) => mount.name === name)) continue;
    const { unpack } = runtime.images;
    if (!unpack || !mayMount()) {
      const why = unpack ? mayNotMount : `images of the ${runtime.name} runtime are programs, not files`;
      throw new RuntimeFailure("CreateContainerError", `cannot mount image volume "${name}": ${why}`);
    }
    const { reference = "", pullPolicy } = image;
    const spec = { image: reference, ...(pullPolicy === undefined ? {} : { imagePullPolicy: pullPolicy }) };
    await ensureImage(pod, { spec }, options).catch((error: unknown) => {
      throw error instanceof RuntimeFailure ? new ImageVolumeFailure(error, reference) : error;
    });
  }
}

/** The image of a volume could not be had. */
export class ImageVolumeFailure extends RuntimeFailure {
  readonly image: string;

  constructor(cause: RuntimeFailure, image: string) {
    super(cause.reason, cause.message, { cause });
    this.name = "ImageVolumeFailure";
    this.image = image;
  }
}

/**
 * Makes the image of a container be there, as its pull policy says.
 *
 * @returns its id
 * @throws RuntimeFailure ErrImagePull, ErrImageNeverPull, InvalidImageName, ImageInspectError
 * @see https://kubernetes.io/docs/concepts/containers/images/#image-pull-policy
 */
export async function ensureImage(
  pod: Pod,
  {
    spec,
    reference,
    foundId,
  }: {
    readonly spec: { readonly image?: string; readonly imagePullPolicy?: string };
    /** Absent: the image is for several containers. */
    readonly reference?: ContainerReference;
    /** Id of the image, where it was found here just now. */
    readonly foundId?: string;
  },
  { runtime, events, clock, data, imageRecords, signal }: ImageOptions,
): Promise<string> {
  const { image = "", imagePullPolicy = "IfNotPresent" } = spec;
  const find = () =>
    findImage(image, runtime, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      events.warning(pod, "InspectFailed", errorMessage(error), reference);
      throw error;
    });
  const presentId = foundId ?? (await find());
  if (presentId !== undefined && imagePullPolicy !== "Always") {
    events.normal(pod, "Pulled", `Container image "${image}" already present on machine`, reference);
    return presentId;
  }
  if (imagePullPolicy === "Never") {
    const message = `Container image "${image}" is not present with pull policy of Never`;
    events.warning(pod, "ErrImageNeverPull", message, reference);
    throw new RuntimeFailure("ErrImageNeverPull", message);
  }
  events.normal(pod, "Pulling", `Pulling image "${image}"`, reference);
  const startedAt = clock.monotonic();
  let id: string;
  try {
    const { logins, missing } = await loginsFor(image, pod, data);
    if (missing.length > 0) {
      const message = `Unable to retrieve some image pull secrets (${missing.join(", ")}); attempting to pull the image may not succeed.`;
      events.warning(pod, "FailedToRetrieveImagePullSecret", message);
    }
    id = await withDeadline({ clock, timeoutMs: pullTimeoutMs, signal }, (cut) =>
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
  const { sizeBytes } = (await runtime.images.describe(image, { signal })) ?? {};
  const size = sizeBytes === undefined ? "" : ` Image size: ${sizeBytes} bytes.`;
  const message = `Successfully pulled image "${image}" in ${took} (${took} including waiting).${size}`;
  events.normal(pod, "Pulled", message, reference);
  return id;
}

/** @throws RuntimeFailure InvalidImageName, or ImageInspectError when the runtime cannot say whether it has the image */
async function findImage(image: string, runtime: ContainerRuntime, signal: AbortSignal): Promise<string | undefined> {
  try {
    return await runtime.images.find(image, { signal });
  } catch (error) {
    if (error instanceof RuntimeFailure) throw error;
    const message = `Failed to inspect image "${image}": ${errorMessage(error)}`;
    throw new RuntimeFailure("ImageInspectError", message, { cause: error });
  }
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

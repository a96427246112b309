import type { Readable } from "node:stream";
import type Docker from "dockerode";
import type { Clock } from "../../core/util/clock.ts";
import { call, engineMessage, ignoreStatus } from "./docker_calls.ts";
import { imageReference } from "./docker_config.ts";
import { jsonLines } from "./docker_streams.ts";
import { type ImageService, RuntimeFailure } from "./runtime.ts";

/** A pull that makes no progress for this long has failed. @see --image-pull-progress-deadline of the kubelet of 1.23 */
const stalledMs = 60_000;
const removeMs = 120_000;

/** The engine's images. */
export function dockerImages(docker: Docker, clock: Clock): ImageService {
  const inspect = (image: string, signal: AbortSignal) =>
    call({ clock, signal }, () => docker.getImage(imageReference(image)).inspect().catch(ignoreStatus(404)));
  const find: ImageService["find"] = async (image, { signal }) => (await inspect(image, signal))?.Id;
  let folder: string | undefined;
  return {
    find,
    async describe(image, { signal }) {
      const found = await inspect(image, signal);
      return found && { user: found.Config?.User ?? "", sizeBytes: found.Size };
    },
    async folder({ signal }) {
      const info = () => docker.info() as Promise<{ readonly DockerRootDir?: string }>;
      folder ??= (await call({ clock, signal }, info)).DockerRootDir;
      return folder;
    },
    async remove(name, { signal }) {
      await call({ clock, signal, timeoutMs: removeMs }, (abortSignal) =>
        docker.getImage(name).remove({ abortSignal }).catch(ignoreStatus(404)),
      );
    },
    async pull(image, { signal, auth }) {
      const reference = imageReference(image);
      try {
        await pull(docker, { clock, reference, signal, auth });
      } catch (error) {
        signal.throwIfAborted();
        throw new RuntimeFailure("ErrImagePull", engineMessage(error), { cause: error });
      }
      const id = await find(image, { signal });
      if (id === undefined) throw new RuntimeFailure("ErrImagePull", `image "${image}" is gone after it was pulled`);
      return id;
    },
    list: ({ signal }) =>
      call({ clock, signal }, async (abortSignal) => {
        const images = await docker.listImages({ abortSignal });
        return images.map(({ Id, RepoTags, RepoDigests, Size }) => ({
          id: Id,
          names: [...(RepoDigests ?? []), ...(RepoTags ?? [])].filter((name) => !name.startsWith("<none>")),
          sizeBytes: Size,
        }));
      }),
  };
}

async function pull(
  docker: Docker,
  options: {
    readonly clock: Clock;
    readonly reference: string;
    readonly signal: AbortSignal;
    readonly auth: { readonly username: string; readonly password: string } | undefined;
  },
): Promise<void> {
  const { clock, reference, signal, auth } = options;
  const stalled = new AbortController();
  const stop = () => stalled.abort(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  const watch = () => clock.schedule(stalledMs, () => stalled.abort(new Error("the pull makes no progress")));
  let cancel = watch();
  try {
    const stream = (await docker.pull(reference, {
      abortSignal: stalled.signal,
      ...(auth ? { authconfig: { ...auth, serveraddress: registryOf(reference) } } : {}),
    })) as Readable;
    stalled.signal.addEventListener("abort", () => stream.destroy(), { once: true });
    for await (const line of jsonLines(stream)) {
      cancel();
      cancel = watch();
      const { error } = line as { readonly error?: string };
      if (error !== undefined) throw new Error(error);
    }
  } catch (error) {
    throw stalled.signal.aborted ? stalled.signal.reason : error;
  } finally {
    cancel();
    signal.removeEventListener("abort", stop);
  }
}

function registryOf(reference: string): string {
  const [first = ""] = reference.split("/");
  const named = reference.includes("/") && (/[.:]/.test(first) || first === "localhost");
  return named ? first : "https://index.docker.io/v1/";
}

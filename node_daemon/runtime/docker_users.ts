import type { Readable } from "node:stream";
import type { ImageInspectInfo } from "dockerode";
import { readTar } from "../../core/util/tar.ts";
import { ignoreStatus } from "./docker_calls.ts";
import { type Owner, userOption } from "./docker_config.ts";
import type { DockerEngine } from "./docker_engine.ts";
import { type ImageFilesOptions, withImageFiles } from "./docker_image_files.ts";
import type { Container, ContainerConfig } from "./runtime.ts";

/** What an image's files say of users and groups. Empty: they are not there. */
export interface UserFiles {
  /** `/etc/passwd` */
  readonly passwd: string;
  /** `/etc/group` */
  readonly group: string;
}

/** No more is read of either file: they are somebody's image's. */
const maxBytes = 256 * 1024;
const maxImages = 1000;

/** What an image says of whom its programs begin as. */
interface ImageUser extends UserFiles {
  /** As the engine has it; empty: root. */
  readonly user: string;
}

/** Tells whom programs will begin as. Each image is looked into once. */
export class DockerUsers {
  readonly #engine: DockerEngine;
  readonly #owner: Owner;
  readonly #images = new Map<string, Promise<ImageUser>>();

  constructor(engine: DockerEngine, owner: Owner) {
    this.#engine = engine;
    this.#owner = owner;
  }

  /**
   * Whom a container's program will begin as; undefined when nobody knows.
   *
   * @throws Error when the engine cannot say
   */
  async of(
    { image, imageId, user }: Pick<ContainerConfig, "image" | "imageId" | "user">,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<Container["user"]> {
    const id = imageId ?? (await this.#inspect(image, signal)).Id;
    const { user: imageUser, ...files } = await (this.#images.get(id) ?? this.#look(id, signal));
    return resolveUser(userOption(user) ?? imageUser, user.supplementalGids.map(String), files);
  }

  #inspect(image: string, signal: AbortSignal): Promise<ImageInspectInfo> {
    return this.#engine.call(signal, () => this.#engine.docker.getImage(image).inspect());
  }

  #look(imageId: string, signal: AbortSignal): Promise<ImageUser> {
    const looking = this.#read(imageId, signal);
    if (this.#images.size >= maxImages) this.#images.clear();
    this.#images.set(imageId, looking);
    looking.catch(() => this.#images.delete(imageId));
    return looking;
  }

  async #read(imageId: string, signal: AbortSignal): Promise<ImageUser> {
    const options = { owner: this.#owner, imageId, purpose: "files", signal } as const;
    const [{ Config }, files] = await Promise.all([
      this.#inspect(imageId, signal),
      readUserFiles(this.#engine, options),
    ]);
    return { ...files, user: Config?.User ?? "" };
  }
}

async function readUserFiles(engine: DockerEngine, options: ImageFilesOptions): Promise<UserFiles> {
  return await withImageFiles(engine, options, async (container) => {
    const read = (path: string) =>
      engine.call(options.signal, async () => {
        const archive = await container.getArchive({ path }).catch(ignoreStatus(404));
        return archive ? await firstText(archive as Readable) : "";
      });
    const [passwd, group] = await Promise.all([read("/etc/passwd"), read("/etc/group")]);
    return { passwd, group };
  });
}

/** The beginning of the first file of an archive. */
async function firstText(archive: Readable): Promise<string> {
  const chunks: Uint8Array[] = [];
  let left = maxBytes;
  for await (const { content } of readTar(archive)) {
    for await (const chunk of content) {
      if (left > 0) chunks.push(chunk.subarray(0, left));
      left -= chunk.length;
    }
    break;
  }
  return Buffer.concat(chunks).toString();
}

/**
 * Whom a container's program begins as, as the engine finds that out: names and memberships are what the image's files
 * say. Pure.
 *
 * @param user as the engine has it: `USER`, `USER:GROUP` by name or number; empty: root
 * @param added further groups, by name or number
 * @returns undefined when a name is in neither file: then the engine starts nothing
 */
export function resolveUser(user: string, added: readonly string[], { passwd, group }: UserFiles): Container["user"] {
  const [name = "", groupName = ""] = user.split(":");
  const entry = linesOf(passwd).find(([entryName, , uid]) => (name === "" ? uid === "0" : isOne(name, entryName, uid)));
  const uid = entry ? number(entry[2]) : number(name || "0");
  const groups = linesOf(group);
  const gidOf = (wanted: string) => number(groups.find(([name, , gid]) => isOne(wanted, name, gid))?.[2] ?? wanted);
  const gid = groupName !== "" ? gidOf(groupName) : (number(entry?.[3] ?? "0") ?? 0);
  if (uid === undefined || gid === undefined) return undefined;
  const memberships =
    groupName !== "" || !entry
      ? []
      : groups.filter(([, , , members = ""]) => members.split(",").includes(entry[0] ?? "")).map(([, , gid]) => gid);
  const others = [...memberships.map(number), ...added.map(gidOf)].filter((gid) => gid !== undefined);
  return { uid, gid, supplementalGids: [...new Set([gid, ...others])] };
}

function linesOf(text: string): readonly (readonly string[])[] {
  return text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(":"));
}

function isOne(wanted: string, name: string | undefined, id: string | undefined): boolean {
  return wanted === name || (/^\d+$/.test(wanted) && Number(wanted) === number(id));
}

function number(text = ""): number | undefined {
  return /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}

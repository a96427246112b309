import type { StringMap } from "../../../core/api/meta.ts";
import type { ContainerConfig } from "../runtime.ts";

/** One way to name a program as an image: `SCHEME:NAME`. */
export interface ProgramScheme {
  /** What stands before the colon. */
  readonly scheme: string;
  /** Whether a container's `command` may not stand in for the program, since only it runs within limits. Default false. */
  readonly isConfined?: boolean;
  /** @throws RuntimeFailure InvalidImageName for what cannot be the name of a program */
  check(name: string): void;
  /** Programs that need no fetching: the image's id; undefined when there is no such program. */
  locate?(name: string): Promise<string | undefined>;
  /**
   * Puts a program into an empty folder, running nothing of it.
   *
   * @throws RuntimeFailure ErrImagePull
   */
  fetch?(
    name: string,
    options: { readonly folder: string; readonly signal: AbortSignal },
  ): Promise<{ readonly id: string; readonly details: StringMap }>;
  /** @throws RuntimeFailure CreateContainerError or RunContainerError when it cannot be run */
  entrypoint(options: EntrypointOptions): Promise<Entrypoint>;
}

/** What {@linkcode ProgramScheme.entrypoint} needs to know. */
export interface EntrypointOptions {
  readonly name: string;
  /** Where the program was put; empty for one that needed no fetching. */
  readonly folder: string;
  /** What was noted as it was fetched. */
  readonly details: StringMap;
  readonly config: ContainerConfig;
  /** The variables that the program will have. */
  readonly variables: ReadonlyMap<string, string>;
  readonly podIP: string;
  /** Paths at which the program finds its mounts. */
  readonly paths: readonly { readonly path: string; readonly readOnly: boolean }[];
}

/** How a program is run: in the place of an image's own command, environment and PATH. */
export interface Entrypoint {
  readonly argv: readonly string[];
  /** Wins over what the pod says. */
  readonly env: StringMap;
  /** A folder that is searched before others for programs that are named without one. */
  readonly path?: string;
}

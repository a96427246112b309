import process from "node:process";

/**
 * Whether tests that need `component` must be skipped because it is not there. With the component's name in WHERRY_REQUIRE
 * a missing one is an error instead.
 *
 * @param present what shows that it is there; undefined or false when it is not
 */
export function missing(
  component: "docker" | "docker-registry" | "etcd" | "kubectl" | "python3" | "python3-kubernetes" | "zsh" | "fish",
  present: unknown,
): boolean {
  if (present) return false;
  if ((process.env["WHERRY_REQUIRE"] ?? "").split(",").includes(component)) {
    throw new Error(`WHERRY_REQUIRE asks for ${component}, which is not on this machine`);
  }
  console.warn(`Skipped: ${component} is not on this machine`);
  return true;
}

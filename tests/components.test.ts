import { execFileSync } from "node:child_process";
import process from "node:process";
import { describe, expect, it } from "vitest";

/** How each real component shows that it is there. */
const components: Readonly<Record<string, readonly [program: string, ...args: string[]]>> = {
  docker: ["docker", "version", "--format", "{{.Server.Version}}"],
  "docker-registry": ["docker-registry", "--version"],
  etcd: ["etcd", "--version"],
  kubectl: ["kubectl", "version", "--client"],
  python3: ["/usr/bin/python3", "--version"],
  "python3-kubernetes": ["/usr/bin/python3", "-c", "import kubernetes; print(kubernetes.__version__)"],
  zsh: ["zsh", "--version"],
  fish: ["fish", "--version"],
};
const required = (process.env["WHERRY_REQUIRE"] ?? "").split(",").filter(Boolean);

describe("WHERRY_REQUIRE", () => {
  it("names components that there are", () => {
    expect(required.filter((name) => !Object.hasOwn(components, name))).toEqual([]);
  });

  it.each(Object.entries(components))(
    "finds %s on this machine, or leaves it out when it is not required",
    (name, [program, ...args]) => {
      const answer = () => execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
      if (required.includes(name)) {
        expect(answer()).not.toBe("");
        return;
      }
      try {
        answer();
      } catch {
        console.warn(`Skipped: ${name} is not on this machine; the tests that need it do not run`);
      }
    },
  );
});

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Cluster, type ClusterOptions, startCluster } from "../../../cluster/start_cluster.ts";
import { runCli } from "../../../commands/run_cli.ts";
import type { KubeObject } from "../../../core/api/meta.ts";
import { discover, findResourceOf } from "../../../core/client/discovery.ts";
import type { Terminal } from "../../../core/platform/terminal.ts";
import { eventually, kubectl, type Result, run, temporaryFolder, wherry } from "../../e2e/harness.ts";
import { missing } from "../../require.ts";
import { kubectlEnv, versions } from "../_kubectl.ts";
import { maskDifferences } from "./_differences.ts";
import { mask } from "./_mask.ts";

/** One command line of a transcript. */
export interface Line {
  /** What follows the program's name; split at blanks, quotes as a shell reads them, `$NS` and `$DIR` replaced. */
  readonly line: string;
  /** Standard input: text, or an object to send as JSON. */
  readonly input?: string | object;
  /** Runs the program as a process of its own, with these variables. */
  readonly env?: Readonly<Record<string, string>>;
  /** It is run again until it has printed this: a program that runs may not have said yet what it says. */
  readonly until?: RegExp;
}

/** Command lines that kubectl and wherry run one after another, each in a namespace of its own. */
export interface Transcript {
  /** What is shown. Default: the first line. */
  readonly name?: string;
  /** Minor version of kubectl since which it prints this; with an older one the transcript is skipped. */
  readonly since?: number;
  /** Objects that are there before, in the namespace unless they name one. */
  readonly given?: readonly object[];
  /** Files in the folder `$DIR`, by name. */
  readonly files?: Readonly<Record<string, string | object>>;
  readonly lines: readonly (string | Line)[];
}

/** The newest kubectl that says which one it is: the yardstick. */
const [yardstick] = versions;
const onDeno = "Deno" in globalThis;

/**
 * Declares a test for each transcript: the same command lines with real kubectl and with wherry against the same master
 * must print the same on both streams and end with the same code, once what differs from call to call is masked.
 * On Deno every fourth is run.
 *
 * `$NS` in a line, a file or a given object is the namespace of the side: give it to names of what is in no namespace.
 */
export function transcripts(title: string, cases: readonly Transcript[], options: ClusterOptions = {}): void {
  describe.skipIf(missing("kubectl", kubectl))(`${title}, as ${yardstick?.name ?? "kubectl"} prints it`, () => {
    const folder = temporaryFolder();
    let cluster: Cluster;
    let resources: Awaited<ReturnType<typeof discover>>;
    const home = process.env["HOME"];
    beforeAll(async () => {
      cluster = await startCluster({ runtime: "fake", nodes: 0, ...options });
      resources = await discover(cluster.client);
      // What the command line keeps on disk belongs to the test.
      process.env["HOME"] = folder.path;
      delete process.env["KUBECONFIG"];
    });
    afterAll(async () => {
      if (home !== undefined) process.env["HOME"] = home;
      await cluster?.[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    });

    const chosen = cases
      .map((transcript, index) => ({ transcript, index, name: transcript.name ?? lineOf(transcript.lines[0]).line }))
      .filter(({ index }) => !onDeno || index % 4 === 0);
    const minor = yardstick?.minor ?? 0;
    const current = chosen.filter(({ transcript: { since = 0 } }) => minor >= since);
    for (const { name, transcript } of chosen)
      if (minor < (transcript.since ?? 0)) it.skip(`${name}: needs kubectl 1.${transcript.since}`);
    it.concurrent.each(current.map((one) => [one.name, one] as const))("%s", async (_name, { transcript, index }) => {
      const dir = join(folder.path, `case-${index}`);
      const sides = (["kubectl", "wherry"] as const).map((program) => ({
        program,
        namespace: `${program.charAt(0)}-${String(index).padStart(3, "0")}`,
      }));
      const [expected, actual] = await Promise.all(
        sides.map(async ({ program, namespace }) => {
          const config = await prepare(transcript, namespace, dir);
          let text = "";
          for (const each of transcript.lines) {
            const line = lineOf(each);
            const result = await eventually(`${program} ${line.line} printed ${line.until}`, async () => {
              const printed = await call(program, line, { config, namespace, dir });
              return line.until?.test(printed.stdout) === false ? undefined : printed;
            });
            text += shown(line.line, result, { namespace, folder: folder.path });
          }
          return text;
        }),
      );
      expect(maskDifferences(actual ?? "", minor)).toBe(maskDifferences(expected ?? "", minor));
    });

    /** Makes the namespace of a side with what is given. @returns its kubeconfig */
    async function prepare(transcript: Transcript, namespace: string, dir: string): Promise<string> {
      const { client } = cluster;
      const fill = (value: string | object) =>
        (typeof value === "string" ? value : JSON.stringify(value)).replaceAll("$NS", namespace);
      const create = async (object: object) => {
        const whole = JSON.parse(fill(object)) as KubeObject;
        const resource = findResourceOf(resources, whole);
        const placed = resource.namespaced ? { ...whole, metadata: { namespace, ...whole.metadata } } : whole;
        await client.create(resource, placed);
      };
      await create({ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
      // What controllers put into every namespace is there for both sides.
      const certificates = findResourceOf(resources, { apiVersion: "v1", kind: "ConfigMap" });
      await eventually("the certificates in a new namespace", () =>
        client.get(certificates, { namespace, name: "kube-root-ca.crt" }).catch(() => undefined),
      );
      for (const object of transcript.given ?? []) await create(object);
      const own = join(dir, namespace);
      mkdirSync(own, { recursive: true });
      for (const [name, content] of Object.entries(transcript.files ?? {})) {
        mkdirSync(dirname(join(own, name)), { recursive: true });
        writeFileSync(join(own, name), fill(content));
      }
      const config = `${own}.config`;
      const text = cluster.kubeconfig.replace(/^( *)user: wherry$/m, `$1namespace: ${namespace}\n$&`);
      writeFileSync(config, text, { mode: 0o600 });
      return config;
    }

    async function call(
      program: "kubectl" | "wherry",
      { line, input = "", env }: Line,
      side: { readonly config: string; readonly namespace: string; readonly dir: string },
    ): Promise<Result> {
      const own = join(side.dir, side.namespace);
      const fill = (text: string) => text.replaceAll("$NS", side.namespace).replaceAll("$DIR", own);
      const args = [`--kubeconfig=${side.config}`, ...splitLine(line).map(fill)];
      const text = fill(typeof input === "string" ? input : JSON.stringify(input));
      const variables = Object.fromEntries(Object.entries(env ?? {}).map(([name, value]) => [name, fill(value)]));
      if (program === "wherry" && !env) return await inProcess(args, text);
      const command = program === "wherry" ? wherry : [yardstick?.path ?? "kubectl"];
      return await run([...command, ...args], { env: { HOME: folder.path, ...kubectlEnv, ...variables }, input: text });
    }
  });
}

function lineOf(line: string | Line | undefined): Line {
  return typeof line === "object" ? line : { line: line ?? "" };
}

/** The words of a command line: blanks separate them, single and double quotes keep them together. */
function splitLine(line: string): readonly string[] {
  const words = line.match(/(?:[^\s'"]+|'[^']*'|"[^"]*")+/g) ?? [];
  return words.map((word) => word.replace(/'([^']*)'|"([^"]*)"/g, (_quoted, single, double) => single ?? double));
}

/** Runs wherry's command line in this process: all of it but for standard streams and the way out. */
async function inProcess(args: readonly string[], input: string): Promise<Result> {
  const text = { stdout: "", stderr: "" };
  const [out, errors] = [new TextDecoder(), new TextDecoder()];
  const terminal: Terminal = {
    input: (async function* () {
      yield new TextEncoder().encode(input);
    })(),
    inputIsTerminal: false,
    outputIsTerminal: false,
    async write(data) {
      text.stdout += typeof data === "string" ? data : out.decode(data, { stream: true });
    },
    async writeError(data) {
      text.stderr += typeof data === "string" ? data : errors.decode(data, { stream: true });
    },
    warn(line) {
      text.stderr += `${line}\n`;
    },
    size: () => undefined,
    onResize: () => () => {},
    raw: () => () => {},
  };
  const code = await runCli(args, { terminal, signal: new AbortController().signal });
  return { code, ...text };
}

/** A call as it stands in a transcript. */
function shown(
  line: string,
  { code, stdout, stderr }: Result,
  side: { readonly namespace: string; readonly folder: string },
): string {
  const errors = stderr
    .replace(/^WARNING: version difference .*\n/m, "")
    // What kubectl's own libraries log when the machine keeps them waiting.
    .replace(/^E\d{4} .*\n/gm, "");
  return mask(`$ ${line}\n${stdout}${errors && `--- stderr\n${errors}`}--- exit code ${code}\n`, side);
}

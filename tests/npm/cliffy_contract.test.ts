import { Command, ValidationError } from "@cliffy/command";
import { describe, expect, it, vi } from "vitest";

/**
 * What wherry relies on in `@cliffy/command`. Runs against the stand-in here, and against the real package with
 * `deno task test:contract`.
 */
function sample(seen: { options: unknown; words: unknown[]; literal: string[] }[] = []) {
  const root = new Command().name("tool").version("1.2.3").description("A tool.").noExit();
  const get = new Command()
    .description("Show things.")
    .arguments("<type:string> [names...:string]")
    .option("-o, --output <format:string>", "Format.")
    .option("--watch [watch:boolean]", "Watch.")
    .option("--label-columns <label:string>", "Labels.", { collect: true })
    .option("--chunk-size <n:number>", "Chunk.")
    .option("--secret <x:string>", "Not shown.", { hidden: true });
  get.action((options: unknown, ...words: unknown[]) => {
    seen.push({ options, words, literal: get.getLiteralArgs() });
  });
  root.command("get", get).reset();
  const group = new Command().description("A group.");
  group
    .command(
      "status",
      new Command().description("Status.").action(() => {}),
    )
    .reset();
  root.command("rollout", group).reset();
  return { root, seen };
}

describe("@cliffy/command, as wherry uses it", () => {
  it("hands options, words and literal words to the action", async () => {
    const { root, seen } = sample();
    await root.parse([
      "get",
      "--output=wide",
      "--watch=true",
      "--label-columns=a",
      "--label-columns=b",
      "--chunk-size=7",
      "pods",
      "x",
      "y",
      "--",
      "-z",
    ]);
    expect(seen).toEqual([
      {
        options: { output: "wide", watch: true, labelColumns: ["a", "b"], chunkSize: 7 },
        words: ["pods", "x", "y"],
        literal: ["-z"],
      },
    ]);
  });

  it("reads false, negative numbers and a lone dash", async () => {
    const { root, seen } = sample();
    await root.parse(["get", "--watch=false", "--chunk-size=-1", "pods", "-"]);
    expect(seen[0]).toMatchObject({ options: { watch: false, chunkSize: -1 }, words: ["pods", "-"] });
  });

  it.each([
    [["get"], /Missing argument/],
    [["get", "pods", "--chunk-size=many"], /must be of type "number"/],
    [["get", "pods", "--output=a", "--output=b"], /can only occur once/],
    [["rollout", "status", "--nope=1"], /Unknown option/],
  ])("throws a ValidationError for %j", async (line, message) => {
    const { root } = sample();
    const error = await Promise.resolve(root.parse(line)).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ValidationError);
    expect((error as Error).message.replace(/\p{Cc}\[\d+m/gu, "")).toMatch(message);
  });

  it("shows what a command is, without hidden options, and what commands there are", async () => {
    const { root } = sample();
    const help = await printed(() => root.parse(["get", "--help"]));
    expect(help).toContain("Show things.");
    expect(help).toContain("--output");
    expect(help).not.toContain("--secret");
    expect(await printed(() => root.parse(["--help"]))).toContain("rollout");
  });
});

async function printed(run: () => Promise<unknown>): Promise<string> {
  const lines: string[] = [];
  const log = vi.spyOn(console, "log").mockImplementation((line: string) => void lines.push(line));
  try {
    await run();
  } finally {
    log.mockRestore();
  }
  return lines.join("\n").replace(/\p{Cc}\[\d+m/gu, "");
}

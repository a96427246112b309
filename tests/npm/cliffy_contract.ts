import assert from "node:assert/strict";
import { Command, ValidationError } from "@cliffy/command";

interface Call {
  readonly options: unknown;
  readonly words: readonly unknown[];
  readonly literal: readonly string[];
}

/** What wherry relies on in `@cliffy/command`, for the stand-in and the real package alike. */
export function cliffyContract(it: (name: string, body: () => Promise<void>) => void): void {
  it("hands options, words and literal words to the action", async () => {
    const { root, seen } = sample();
    // biome-ignore format: a command line
    await root.parse([
      "get", "--output=wide", "--watch=true", "--label-columns=a", "--label-columns=b", "--chunk-size=7", "pods", "x", "y", "--", "-z",
    ]);
    const options = { output: "wide", watch: true, labelColumns: ["a", "b"], chunkSize: 7 };
    assert.deepEqual(seen, [{ options, words: ["pods", "x", "y"], literal: ["-z"] }]);
  });

  it("reads false, negative numbers and a lone dash", async () => {
    const { root, seen } = sample();
    await root.parse(["get", "--watch=false", "--chunk-size=-1", "pods", "-"]);
    assert.deepEqual(seen, [{ options: { watch: false, chunkSize: -1 }, words: ["pods", "-"], literal: [] }]);
  });

  for (const { line, message } of [
    { line: ["get"], message: /Missing argument/ },
    { line: ["get", "pods", "--chunk-size=many"], message: /must be of type "number"/ },
    { line: ["get", "pods", "--output=a", "--output=b"], message: /can only occur once/ },
    { line: ["rollout", "status", "--nope=1"], message: /Unknown option/ },
  ]) {
    it(`throws a ValidationError for ${line.join(" ")}`, async () => {
      const error: unknown = await sample()
        .root.parse(line)
        .catch((thrown: unknown) => thrown);
      assert.ok(error instanceof ValidationError);
      assert.match(plain(error.message), message);
    });
  }

  it("shows what a command is, without hidden options, and what commands there are", async () => {
    const { root } = sample();
    const help = await printed(() => root.parse(["get", "--help"]));
    for (const shown of ["Show things.", "--output"]) assert.ok(help.includes(shown), help);
    assert.doesNotMatch(help, /--secret|\p{Cc}\[/u);
    assert.ok((await printed(() => root.parse(["--help"]))).includes("rollout"));
  });
}

function sample(): { readonly root: Command; readonly seen: readonly Call[] } {
  const seen: Call[] = [];
  const root = new Command();
  root.name("tool").version("1.2.3").description("A tool.").noExit().help({ colors: false });
  const get = new Command();
  get
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
  const status = new Command();
  status.description("Status.").action(() => {});
  const group = new Command();
  group.description("A group.").command("status", status).reset();
  root.command("get", get).reset();
  root.command("rollout", group).reset();
  return { root, seen };
}

async function printed(run: () => Promise<unknown>): Promise<string> {
  const lines: string[] = [];
  const { log } = console;
  console.log = (line: string) => void lines.push(line);
  try {
    await run();
  } finally {
    console.log = log;
  }
  return lines.join("\n");
}

/** Without colours, which messages of the real package have. */
function plain(text: string): string {
  return text.replace(/\p{Cc}\[\d+m/gu, "");
}

import { readBody } from "../core/client/transport.ts";
import type { Terminal } from "../core/platform/terminal.ts";

/** The first line of what is typed, without blanks around it: more than that is not waited for. */
export async function readAnswer({ input }: Pick<Terminal, "input">): Promise<string> {
  const line = await readBody(
    (async function* () {
      for await (const chunk of input) {
        yield chunk;
        if (chunk.includes(10)) return;
      }
    })(),
  );
  return new TextDecoder().decode(line).trim();
}

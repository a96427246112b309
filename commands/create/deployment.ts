import { randomSuffix } from "../../core/api/safe_letters.ts";
import type { Random } from "../../core/platform/random.ts";
import { UsageError, type Verb } from "../verb.ts";
import { generatorVerb, listFlag, split } from "./generator.ts";

/** Makes a deployment. */
export const createDeployment: Verb = generatorVerb({
  name: "deployment",
  aliases: ["deploy"],
  summary: "Create a deployment.",
  flags: {
    image: listFlag("Image to run; one container each when there are several.", "image"),
    port: { type: "number", default: -1, placeholder: "port", description: "Port of the first container." },
    replicas: { type: "number", short: "r", default: 1, placeholder: "n", description: "Replicas to have." },
  },
  required: ["image"],
  examples: [["Three of them", "wherry create deployment web --image=nginx --replicas=3"]],
  namespaced: true,
  failure: "failed to create deployment: ",
  make({ name, flags, literal, env }) {
    const images = split(flags.image);
    if (images.length > 1 && literal.length > 0)
      throw new UsageError("cannot specify multiple --image options and command");
    const labels = { app: name };
    const containers = images.map((image, index) => ({
      image,
      name: containerName(image, env.random),
      ...(literal.length > 0 ? { command: literal } : {}),
      ...(index === 0 && flags.port >= 0 ? { ports: [{ containerPort: flags.port }] } : {}),
      resources: {},
    }));
    return {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name, labels },
      spec: {
        replicas: flags.replicas,
        selector: { matchLabels: labels },
        strategy: {},
        template: { metadata: { labels }, spec: { containers } },
      },
      status: {},
    };
  },
});

/** The image's own name; where that had to be changed, with something random so that two do not meet. */
function containerName(image: string, random: Random): string {
  const own = (image.split("/").at(-1) ?? "").split(":", 1)[0]?.split("@", 1)[0] ?? "";
  if (!/[_.]/.test(own)) return own;
  return `${own.replace(/[_.]/g, "-")}-${randomSuffix(random)}`;
}

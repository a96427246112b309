import { RuntimeFailure } from "../runtime.ts";

/** A refusal of an image's name, in the words of container runtimes. */
export function invalidName(image: string, why: string): RuntimeFailure {
  return new RuntimeFailure("InvalidImageName", `couldn't parse image name ${JSON.stringify(image)}: ${why}`);
}

import { configMap } from "./_objects.ts";
import { transcripts } from "./_transcripts.ts";

transcripts("delete", [
  { given: [configMap("one")], lines: ["delete cm one", "get cm one"] },
  { given: [configMap("one"), configMap("two")], lines: ["delete cm/one cm/two", "get cm -o name"] },
  { given: [configMap("one")], lines: ["delete cm one two"] },
]);

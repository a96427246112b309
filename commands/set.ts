import { setEnv } from "./set/env.ts";
import { setImage } from "./set/image.ts";
import { setResources } from "./set/resources.ts";
import { setSelector } from "./set/selector.ts";
import { setServiceAccount } from "./set/service_account.ts";
import { setSubject } from "./set/subject.ts";
import { defineVerb, type Verb } from "./verb.ts";

/** Sets single features of objects. */
export const set: Verb = defineVerb({
  name: "set",
  group: "Change",
  summary: "Set single features of objects.",
  flags: {},
  verbs: [setEnv, setImage, setResources, setSelector, setServiceAccount, setSubject],
});

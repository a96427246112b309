import { describe, expect, it } from "vitest";
import { resolveUser } from "../../../node_daemon/runtime/docker_users.ts";

const files = {
  passwd: "# people\nroot:x:0:0:root:/:/bin/sh\nweb:x:33:44::/:\n99:x:7:8::/:\nbad:x:no:1::/:\n__proto__:x:5:6::/:\n",
  group: "root:x:0:\nadm:x:4:root,web\nweb:x:44:\nlog:x:50:web,other\nwebmasters:x:51:webmaster\n",
};
const nothing = { passwd: "", group: "" };

describe("resolveUser()", () => {
  it.each([
    ["", [], files, { uid: 0, gid: 0, supplementalGids: [0, 4] }],
    ["", [], nothing, { uid: 0, gid: 0, supplementalGids: [0] }],
    ["web", [], files, { uid: 33, gid: 44, supplementalGids: [44, 4, 50] }],
    ["33", [], files, { uid: 33, gid: 44, supplementalGids: [44, 4, 50] }],
    ["web:log", [], files, { uid: 33, gid: 50, supplementalGids: [50] }],
    ["33:7", ["4000", "log", "7"], files, { uid: 33, gid: 7, supplementalGids: [7, 4000, 50] }],
    ["1000", ["2000"], files, { uid: 1000, gid: 0, supplementalGids: [0, 2000] }],
    ["1000:1000", [], nothing, { uid: 1000, gid: 1000, supplementalGids: [1000] }],
    ["__proto__", [], files, { uid: 5, gid: 6, supplementalGids: [6] }],
    ["nobody", [], files, undefined],
    ["web:nobody", [], files, undefined],
    ["bad", [], files, undefined],
    ["constructor", [], nothing, undefined],
  ])("of %j with the groups %j", (user, added, from, expected) => {
    expect(resolveUser(user, added, from)).toEqual(expected);
  });
});

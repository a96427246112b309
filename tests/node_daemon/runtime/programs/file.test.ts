import { chmod, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { never } from "../../../suites/runtime_suite.ts";
import { openPrograms } from "./_fixture.ts";

const options = { signal: never };

describe("file: images", () => {
  it("run a program of this machine, which is there or is not", async () => {
    await using programs = await openPrograms();
    const { images } = programs.runtime;
    const path = join(programs.folder, "program");
    await expect(images.pull(`file:${path}`, options)).rejects.toMatchObject({ reason: "ErrImagePull" });
    await writeFile(path, '#!/bin/sh\necho "$0 $*"\n');
    expect(await images.find(`file:${path}`, options)).toBeUndefined();
    await chmod(path, 0o755);
    expect(await images.find(`file:${path}`, options)).toBe(`file:${path}`);
    expect(await programs.output(`file:${path}`, { args: ["a b"] })).toBe(`${path} a b\n`);
    await images.remove(`file:${path}`, options);
    expect(await images.find(`file:${path}`, options)).toBe(`file:${path}`);
    await rm(path);
    await expect(programs.start(`file:${path}`)).rejects.toMatchObject({ reason: "CreateContainerError" });
  });

  it("refuse paths that are not plain and absolute", async () => {
    await using programs = await openPrograms();
    for (const path of ["", "program", "./program", "/bin/../bin/sh", "/bin//sh", "/bin/", "/bin/sh\0", "//bin/sh"]) {
      const refusal = programs.runtime.images.find(`file:${path}`, options);
      await expect(refusal, path).rejects.toMatchObject({ reason: "InvalidImageName" });
    }
  });
});

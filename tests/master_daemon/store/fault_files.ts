import { type StoreFile, type StoreFiles, systemFiles } from "../../../master_daemon/store/files.ts";

/** What a {@linkcode faultFiles} may do before an operation that changes the disk: throw, or wait for ever. */
export type Fault = (operation: string, path: string) => Promise<void> | void;

/** The machine's files, with `fault` called before each change. */
export function faultFiles(fault: Fault): StoreFiles {
  const wrap = (file: StoreFile): StoreFile => ({
    path: file.path,
    async write(data, position) {
      await fault("write", file.path);
      await file.write(data, position);
    },
    read: (position, length) => file.read(position, length),
    async sync() {
      await fault("sync", file.path);
      await file.sync();
    },
    async truncate(bytes) {
      await fault("truncate", file.path);
      await file.truncate(bytes);
    },
    size: () => file.size(),
    close: () => file.close(),
  });
  return {
    async open(path, mode) {
      if (mode === "create") await fault("create", path);
      return wrap(await systemFiles.open(path, mode));
    },
    list: (folder) => systemFiles.list(folder),
    async rename(from, to) {
      await fault("rename", to);
      await systemFiles.rename(from, to);
    },
    async remove(path) {
      await fault("remove", path);
      await systemFiles.remove(path);
    },
    makeFolder: (path) => systemFiles.makeFolder(path),
    lock: (folder, purpose) => systemFiles.lock(folder, purpose),
    async syncFolder(path) {
      await fault("syncFolder", path);
      await systemFiles.syncFolder(path);
    },
  };
}

/** An error as the system gives it. */
export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: made by a test`), { code });
}

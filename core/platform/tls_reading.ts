import { TLSSocket } from "node:tls";

/** What stands behind a socket that speaks TLS, as Deno has it. */
interface TlsHandle {
  readonly _parent?: { readStop?(): number; readStart?(): number } | null;
  isEstablished?(): boolean;
  readStop(): number;
  readStart(): number;
}

type WrapHandle = (this: TLSSocket, ...args: readonly unknown[]) => TlsHandle;

const mended = new WeakSet<object>();
let isMending = false;

/**
 * Makes a socket that speaks TLS stop reading while nobody reads it. On Deno it goes on to read and decrypt, and holds all
 * that in memory, so that a peer is never slowed down; elsewhere there is nothing to do. Idempotent.
 *
 * @see https://github.com/denoland/deno/pull/33524: what arrives while the reading is stopped is kept
 */
export function mendTlsReading(): void {
  if (isMending || !("Deno" in globalThis)) return;
  isMending = true;
  const internals = TLSSocket.prototype as { _wrapHandle?: WrapHandle };
  const wrap = internals._wrapHandle;
  if (!wrap) return;
  internals._wrapHandle = function (...args) {
    const handle = wrap.call(this, ...args);
    mend(Object.getPrototypeOf(handle) as TlsHandle);
    return handle;
  };
}

/** The connection below is stopped and started along. Not before both sides know each other: that takes reading. */
function mend(handles: TlsHandle): void {
  if (mended.has(handles)) return;
  mended.add(handles);
  const { readStop, readStart } = handles;
  handles.readStop = function () {
    const result = readStop.call(this);
    if (this.isEstablished?.()) this._parent?.readStop?.();
    return result;
  };
  handles.readStart = function () {
    this._parent?.readStart?.();
    return readStart.call(this);
  };
}

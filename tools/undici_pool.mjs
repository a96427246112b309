// Stands for `undici` in the command line's bundle: what core/client/http_transport.ts uses of it, without the rest.
import "./quick_wasm.mjs";
import request from "undici/lib/api/api-request.js";
import Dispatcher from "undici/lib/dispatcher/dispatcher.js";

// As undici's own index.js does.
Dispatcher.prototype.request = request;

export { default as Pool } from "undici/lib/dispatcher/pool.js";

// undici parses HTTP in WebAssembly. For a command that sends one request, compiling it well costs more (80 ms) than it gains.
import { setFlagsFromString } from "node:v8";

setFlagsFromString("--liftoff-only");

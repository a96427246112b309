/** Resources besides the kinds: created, answered, never stored. */
import { binding } from "./binding.ts";
import type { VirtualResource } from "./virtual_resource.ts";

/** Every one of them; whatever stands here is served and told of by discovery. */
export const virtualResources: readonly VirtualResource[] = [binding];

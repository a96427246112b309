/**
 * YAML as kubectl reads and prints it. Who only prints imports `yaml_writer.ts`: the reader brings its library along.
 */
export { iterateManifests, parseManifests, parseYaml, type YamlLimits } from "./yaml_reader.ts";
export { formatYaml } from "./yaml_writer.ts";

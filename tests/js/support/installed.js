// The library out of the packed package, as a program in Node gets it.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { scratch } from "./scratch.js";

/**
 * Install the package in a project of its own, and load it.
 *
 * @param {URL} [fixtures] a folder whose content goes to the project
 */
export async function installed(fixtures = new URL("../behaviour/fixtures/", import.meta.url)) {
    const project = await scratch(fixtures);
    const root = join(project.directory, "node_modules/nova-compute-utils");
    /** @param {string} file */
    const load = (file) => import(pathToFileURL(join(root, file)).href);
    return {
        ...project,
        load,
        /** @type {typeof import("nova-compute-utils")} */
        library: await load("node.js"),
        /** @type {typeof import("nova-compute-utils/hosts/memory")} */
        memory: await load("hosts/memory/index.js"),
        /** The generated declarations. */
        declarations: await readFile(join(root, "nova_compute_utils.d.ts"), "utf8"),
    };
}

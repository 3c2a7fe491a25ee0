// A project with the packed package installed, as a user of the package has it.

import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { env } from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";

import { novaErrorAssertion } from "./errors.js";

const execute = promisify(execFile);

/** Creates an empty directory in the directory for temporary files. */
export function temporaryDirectory() {
    return mkdtemp(join(tmpdir(), "nova-compute-utils-"));
}

/**
 * Creates a project in a new directory.
 *
 * @param {URL} fixtures a folder; its content is copied into the project
 */
export async function createProject(fixtures) {
    const tarball = env.NOVA_COMPUTE_UTILS_TARBALL;
    if (tarball === undefined) {
        throw new Error("run `cargo xtask packaging`, or set NOVA_COMPUTE_UTILS_TARBALL to the packed package");
    }
    const directory = await temporaryDirectory();
    await cp(fileURLToPath(fixtures), directory, { recursive: true });
    await writeFile(join(directory, "package.json"), JSON.stringify({ private: true, type: "module" }));
    // The tests share the package's dependency, so npm's cache already has it.
    const options = ["--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    await execute("npm", ["install", ...options, tarball], { cwd: directory });
    const packageDirectory = join(directory, "node_modules/nova-compute-utils");
    return {
        directory,
        packageDirectory,
        /** Imports a file of the package. @param {string} file */
        load: (file) => import(pathToFileURL(join(packageDirectory, file)).href),
        remove: () => rm(directory, { recursive: true }),
    };
}

/**
 * Creates a project with the fixtures of the behaviour tests, and imports the package from it.
 */
export async function loadPackage() {
    const project = await createProject(new URL("../behaviour/fixtures/", import.meta.url));
    /** @type {typeof import("nova-compute-utils")} */
    const library = await project.load("node.js");
    return {
        ...project,
        library,
        assertNovaError: novaErrorAssertion(library.NovaError),
        /** @type {typeof import("nova-compute-utils/hosts/memory")} */
        memory: await project.load("hosts/memory/index.js"),
        /** The text of the generated declarations. */
        declarations: await readFile(join(project.packageDirectory, "nova_compute_utils.d.ts"), "utf8"),
    };
}

/**
 * Copies the folder `support` into a project, for fixtures that import from it.
 *
 * @param {string} directory
 */
export function copySupport(directory) {
    return cp(fileURLToPath(new URL(".", import.meta.url)), join(directory, "support"), { recursive: true });
}

/**
 * Runs a program in a directory until it exits.
 *
 * @param {string} directory
 * @param {string} program
 * @param {...string} args
 * @returns {Promise<{ stdout: string, stderr: string }>} the output; a rejection that contains the output if the
 *     program fails
 */
export async function run(directory, program, ...args) {
    try {
        return await execute(program, args, { cwd: directory });
    } catch (error) {
        throw new Error(`\`${program} ${args.join(" ")}\` failed\n${error.stdout}${error.stderr}`);
    }
}

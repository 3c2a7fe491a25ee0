// A project of its own with the packed package installed, as somebody who uses it would have.

import { execFile } from "node:child_process";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { env } from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const execute = promisify(execFile);

/**
 * Make one in a new directory.
 *
 * @param {URL} fixtures a folder whose content goes there
 * @returns {Promise<{ directory: string, remove: () => Promise<void> }>}
 */
export async function scratch(fixtures) {
    const tarball = env.NOVA_COMPUTE_UTILS_TARBALL;
    if (tarball === undefined) {
        throw new Error("NOVA_COMPUTE_UTILS_TARBALL does not say where the package is: run `cargo xtask packaging`");
    }
    const directory = await mkdtemp(join(tmpdir(), "nova-compute-utils-"));
    await cp(fileURLToPath(fixtures), directory, { recursive: true });
    await writeFile(join(directory, "package.json"), JSON.stringify({ private: true, type: "module" }));
    // What the package depends on is in npm's cache: the tests depend on it, too.
    const options = ["--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    await execute("npm", ["install", ...options, tarball], { cwd: directory });
    return { directory, remove: () => rm(directory, { recursive: true }) };
}

/**
 * Run a program to the end, in a directory.
 *
 * @param {string} directory
 * @param {string} program
 * @param {...string} args
 * @returns {Promise<{ stdout: string, stderr: string }>} what it printed; an error with it where it failed
 */
export async function run(directory, program, ...args) {
    try {
        return await execute(program, args, { cwd: directory });
    } catch (error) {
        throw new Error(`\`${program} ${args.join(" ")}\` failed\n${error.stdout}${error.stderr}`);
    }
}

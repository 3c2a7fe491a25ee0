// Measures the built console in Chromium: `node www/benches/console.js [ROUNDS [SERVERS]]`, after `cargo xtask console` or `cargo xtask test`
// has built it. Each round imports 100,000 servers as NDJSON and as SQLite into a new profile on the disk, lists them and searches.

import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { argv } from "node:process";

import { chooseFile, openConsole } from "../tests/support/console.js";
import { workerMemory } from "../tests/support/memory.js";
import { traceTasks } from "../tests/support/tasks.js";
import { writeDatabase, writeInstances } from "./large-cell.js";

const SERVERS = 100_000;
/** What is typed, letter by letter: the start of names, a host, a project, a uuid, a flavor and a host. */
const SEARCHES = ["web-9421", "cmp-0042", "9b571248", "6a7be1b7-03e7", "g2.m1.large cmp-01"];

const megabytes = (bytes) => Number((bytes / 1e6).toFixed(1));
const seconds = (begin) => Number(((performance.now() - begin) / 1000).toFixed(2));
const sorted = (values) => [...values].sort((one, other) => one - other);
const quantile = (values, part) => Number((sorted(values)[Math.min(values.length - 1, Math.floor(values.length * part))] ?? 0).toFixed(1));

/** The most memory that a process of the browser has had for the page and its worker, in MB. */
function rendererPeak() {
    const peaks = readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map((process) => {
        try {
            const isRenderer = readFileSync(`/proc/${process}/cmdline`, "utf8").includes("--type=renderer");
            const [, peak = "0"] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${process}/status`, "utf8")) ?? [];
            return isRenderer ? Number(peak) / 1000 : 0;
        } catch {
            // It has ended.
            return 0;
        }
    });
    return Math.round(Math.max(...peaks));
}

/** Types searches, and returns how long each letter takes: until the page shows the answer, and in the worker alone. */
function search(page) {
    return page.evaluate(
        async (searches) => {
            const field = document.querySelector("[data-search]");
            const settled = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
            const [onPage, inWorker] = [[], []];
            for (const text of searches) {
                for (let length = 1; length <= text.length; length += 1) {
                    const begin = performance.now();
                    const shown = globalThis.nextAnswer();
                    field.value = text.slice(0, length);
                    field.dispatchEvent(new InputEvent("input", { bubbles: true }));
                    inWorker.push(await shown);
                    await settled();
                    onPage.push(performance.now() - begin);
                }
            }
            return { onPage, inWorker };
        },
        SEARCHES,
    );
}

/** Notes when the page asks the worker to search, and when the worker answers. */
const watchWorker = () => {
    let resolve = () => undefined;
    globalThis.nextAnswer = () => new Promise((done) => (resolve = done));
    globalThis.Worker = class extends Worker {
        postMessage(message, ...rest) {
            if (message?.type === "APPLY" && message.path?.[0] === "searchServers") {
                const begin = performance.now();
                const listen = ({ data }) => {
                    if (data?.id === message.id) {
                        this.removeEventListener("message", listen);
                        resolve(performance.now() - begin);
                    }
                };
                this.addEventListener("message", listen);
            }
            super.postMessage(message, ...rest);
        }
    };
};

async function measure(path, name) {
    const console_ = await openConsole({ profile: true });
    try {
        let found = {};
        await console_.page("/data", async (page) => {
            await page.addInitScript(watchWorker);
            await page.waitForLoadState("networkidle");
            await page.reload();
            await page.getByText("No cell is here").waitFor();
            const memory = await workerMemory(page);
            const trace = await traceTasks(page);
            const tasks = {};
            let [most, imported, rows] = [0, 0, 0];
            tasks.import = await trace(async () => {
                const begin = performance.now();
                await chooseFile(page, path);
                const strip = page.getByRole("region", { name: "Running" });
                await strip.waitFor();
                while ((await strip.count()) > 0) {
                    most = Math.max(most, await memory());
                    await page.waitForTimeout(2000);
                }
                imported = seconds(begin);
            });
            tasks.rows = await trace(async () => {
                const begin = performance.now();
                await page.evaluate((name) => (location.hash = `#/servers?cell=${name}`), name);
                await page.locator("[role=grid] [role=gridcell]").first().filter({ hasText: /\S/ }).waitFor();
                rows = seconds(begin);
            });
            const after = await memory();
            let [onPage, inWorker] = [[], []];
            tasks.search = await trace(async () => {
                ({ onPage, inWorker } = await search(page));
            });
            await page.getByRole("searchbox", { name: "Search servers" }).fill("");
            await page.locator(".sentence").filter({ hasText: /^[\d,]+ servers/ }).waitFor();
            tasks.scroll = await trace(() =>
                page.evaluate(async () => {
                    const list = document.querySelector(".list");
                    // As by a wheel, and as by a dragged scroll bar.
                    for (let step = 0; step < 120; step += 1) {
                        list.scrollTop += step < 60 ? 120 : 40_000;
                        await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
                    }
                }),
            );
            const heap = await page.evaluate(() => performance.memory.usedJSHeapSize);
            found = {
                "import, s": imported,
                "servers per second": Math.round(servers / imported),
                "first rows, s": rows,
                "search in the worker, ms": { p50: quantile(inWorker, 0.5), p95: quantile(inWorker, 0.95) },
                "search until shown, ms": { p50: quantile(onPage, 0.5), p95: quantile(onPage, 0.95) },
                "worker in use: most, then, MB": [megabytes(most), megabytes(after)],
                "page in use, MB": megabytes(heap),
                "process at most, MB": rendererPeak(),
                "tasks of the page": tasks,
                "load of the machine": loadavg().map((load) => Number(load.toFixed(1))),
            };
        });
        return found;
    } finally {
        await console_.close();
    }
}

const [rounds = 1, servers = SERVERS] = argv.slice(2).map(Number);
const directory = await mkdtemp(join(tmpdir(), "nova-console-bench-"));
try {
    console.log(`${cpus().length} cores, ${cpus()[0]?.model ?? ""}; Node ${process.version}`);
    const sources = { ndjson: writeInstances, sqlite: writeDatabase };
    for (const [ending, write] of Object.entries(sources)) {
        const path = join(directory, `large.${ending}`);
        await write(path, servers);
        console.log(`large.${ending}: ${megabytes((await stat(path)).size)} MB`);
    }
    for (let round = 0; round < rounds; round += 1) {
        for (const ending of Object.keys(sources)) {
            console.log(ending, JSON.stringify(await measure(join(directory, `large.${ending}`), `large.${ending}`), null, 4));
        }
    }
} finally {
    await rm(directory, { recursive: true });
}

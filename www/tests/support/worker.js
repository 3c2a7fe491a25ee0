// The page's own worker, asked as the page asks it: by comlink's messages.

/**
 * Loads the page again, with an eye on its worker.
 *
 * @param {import("playwright-core").Page} page
 */
export async function openWorker(page) {
    await page.addInitScript(() => {
        globalThis.Worker = class extends Worker {
            constructor(...args) {
                super(...args);
                globalThis.consoleWorker = this;
            }
        };
        globalThis.callWorker = (method, ...args) =>
            new Promise((resolve, reject) => {
                const worker = globalThis.consoleWorker;
                const id = `test-${Math.random()}`;
                worker.addEventListener("message", function listen({ data }) {
                    if (data?.id === id) {
                        worker.removeEventListener("message", listen);
                        data.name === "throw" ? reject(new Error(JSON.stringify(data.value))) : resolve(data.value);
                    }
                });
                const argumentList = args.map((value) => ({ type: "RAW", value }));
                worker.postMessage({ id, type: "APPLY", path: [method], argumentList });
            });
        globalThis.finishJob = async (id) => {
            for (;;) {
                const job = (await callWorker("jobs")).find((job) => job.id === id);
                if (job.state !== "running") {
                    return job;
                }
                await new Promise((resolve) => setTimeout(resolve, 20));
            }
        };
    });
    await page.waitForLoadState("networkidle");
    await page.reload();
    await page.locator("main h1").first().waitFor();
    return {
        /** Calls a method of the worker. */
        call: (method, ...args) => page.evaluate(({ method, args }) => callWorker(method, ...args), { method, args }),
        /** Starts a job, and returns it when it has ended. */
        job: (method, request) =>
            page.evaluate(async ({ method, request }) => finishJob(await callWorker(method, request)), { method, request }),
        /** Exports, and returns the text. */
        exported: (request) =>
            page.evaluate(async (request) => {
                const { result, problem } = await finishJob(await callWorker("startExport", request));
                return problem === null ? result.blob.text() : Promise.reject(new Error(problem.message));
            }, request),
    };
}

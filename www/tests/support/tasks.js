// The tasks of a page that take more than 50 ms: as the browser's observer reports them, and with their computing time.

/**
 * Observes the long tasks of a page from now on.
 *
 * @param {import("playwright-core").Page} page
 */
export async function observeTasks(page) {
    await page.evaluate(() => {
        globalThis.longTasks = [];
        const keep = (list) => globalThis.longTasks.push(...list.getEntries().map(({ duration }) => Math.round(duration)));
        new PerformanceObserver(keep).observe({ type: "longtask" });
    });
    const take = async () => {
        // The observer reports with a delay.
        await page.waitForTimeout(300);
        return page.evaluate(() => globalThis.longTasks.splice(0));
    };
    return {
        /** Returns the durations of the tasks since the last call, in milliseconds. @type {() => Promise<number[]>} */
        take,
        /** Blocks the page, and returns what the observer reports of it. @type {() => Promise<number[]>} */
        async control() {
            await take();
            // The observer does not count what the debugging protocol runs itself.
            await page.evaluate(() =>
                setTimeout(() => {
                    const until = performance.now() + 120;
                    while (performance.now() < until);
                }),
            );
            const report = await page.waitForFunction(() => globalThis.longTasks.length > 0, undefined, { timeout: 5000 }).catch(() => null);
            return report === null ? [] : take();
        },
    };
}

/**
 * Traces the tasks of a page. Unlike the observer, it tells the computing time of a task from the time in which other
 * programs had the processor.
 *
 * @param {import("playwright-core").Page} page
 * @returns {Promise<(work: () => Promise<unknown>) => Promise<{ over50ms: number, over50msOfComputing: number, mostComputingMs: number }>>}
 */
export async function traceTasks(page) {
    const devtools = await page.context().newCDPSession(page);
    let events = [];
    devtools.on("Tracing.dataCollected", ({ value }) => {
        const threads = ({ name, args }) => name === "thread_name" && args.name === "CrRendererMain";
        events.push(...value.filter((event) => event.name === "RunTask" || threads(event)));
    });
    return async (work) => {
        events = [];
        const includedCategories = ["disabled-by-default-devtools.timeline", "__metadata"];
        await devtools.send("Tracing.start", { transferMode: "ReportEvents", traceConfig: { includedCategories } });
        await work();
        const complete = new Promise((resolve) => devtools.once("Tracing.tracingComplete", () => resolve(undefined)));
        await devtools.send("Tracing.end");
        await complete;
        const threadOf = ({ pid, tid }) => `${pid} ${tid}`;
        const mains = new Set(events.filter(({ name }) => name === "thread_name").map(threadOf));
        const tasks = events.filter((event) => event.name === "RunTask" && mains.has(threadOf(event)));
        // In microseconds.
        const over = (member) => tasks.filter((task) => task[member] > 50_000).length;
        const most = tasks.reduce((most, { tdur = 0 }) => Math.max(most, tdur), 0);
        return { over50ms: over("dur"), over50msOfComputing: over("tdur"), mostComputingMs: Math.round(most / 1000) };
    };
}

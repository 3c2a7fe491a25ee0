// The tasks of a page that take more than 50 ms, as the browser's observer reports them.

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

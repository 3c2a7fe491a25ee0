// The memory of a page's worker, by the browser's debugging protocol.

/**
 * Attaches to the worker of a page.
 *
 * @param {import("playwright-core").Page} page
 * @returns {Promise<() => Promise<number>>} a function that collects garbage and returns the bytes in use after it, by
 *     `Runtime.getHeapUsage`: the objects of JavaScript, and array buffers with WebAssembly's memories
 */
export async function workerMemory(page) {
    const devtools = await page.context().newCDPSession(page);
    const answers = new Map();
    let last = 0;
    devtools.on("Target.receivedMessageFromTarget", ({ message }) => {
        const { id, result, error } = JSON.parse(message);
        const { resolve, reject } = answers.get(id) ?? {};
        error === undefined ? resolve?.(result) : reject?.(new Error(error.message));
    });
    const attached = new Promise((resolve) => {
        devtools.on("Target.attachedToTarget", ({ sessionId, targetInfo }) => {
            if (targetInfo.type === "worker") {
                resolve(sessionId);
            }
        });
    });
    await devtools.send("Target.setAutoAttach", { autoAttach: true, waitForDebuggerOnStart: false, flatten: false });
    const sessionId = await attached;
    const send = (method) =>
        new Promise((resolve, reject) => {
            last += 1;
            answers.set(last, { resolve, reject });
            const message = JSON.stringify({ id: last, method });
            devtools.send("Target.sendMessageToTarget", { sessionId, message }).catch(reject);
        });
    return async () => {
        await send("HeapProfiler.collectGarbage");
        const { usedSize, backingStorageSize } = await send("Runtime.getHeapUsage");
        return usedSize + backingStorageSize;
    };
}

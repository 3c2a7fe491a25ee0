// Awaits the answers of callbacks.

/**
 * Returns a promise of a value, or of the value that a promise resolves to. Unlike `Promise.resolve` it never throws:
 * an exception that unwinds through wasm would leave the call half finished.
 *
 * @param {unknown} value
 * @returns {Promise<unknown>}
 */
export function toPromise(value) {
    return new Promise((resolve) => resolve(value));
}

/**
 * Returns the value that an answer resolves to, or rejects with the reason of the signal when the signal is aborted
 * first.
 *
 * @param {unknown} answer
 * @param {AbortSignal | undefined} signal
 * @param {number} grace the milliseconds for which to wait on after the signal is aborted
 * @returns {Promise<unknown>}
 */
export function unlessAborted(answer, signal, grace) {
    const promise = toPromise(answer);
    if (signal === undefined) {
        return promise;
    }
    return new Promise((resolve, reject) => {
        let timer;
        const onAbort = () => {
            timer = setTimeout(() => reject(signal.reason), grace);
        };
        const settle = (end) => (value) => {
            clearTimeout(timer);
            signal.removeEventListener("abort", onAbort);
            end(value);
        };
        promise.then(settle(resolve), settle(reject));
        if (signal.aborted) {
            onAbort();
        } else {
            signal.addEventListener("abort", onAbort, { once: true });
        }
    });
}

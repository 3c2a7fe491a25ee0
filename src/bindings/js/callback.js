// Waiting for what a host promised, no longer than the caller wants to.

/**
 * The promise, or the reason of the signal as soon as it is aborted.
 *
 * @param {PromiseLike<unknown>} promise
 * @param {AbortSignal | undefined} signal
 * @param {number} patience how many milliseconds to wait on after that
 * @returns {PromiseLike<unknown>}
 */
export function unlessAborted(promise, signal, patience) {
    if (signal === undefined) {
        return promise;
    }
    return new Promise((resolve, reject) => {
        let timer;
        const giveUp = () => {
            timer = setTimeout(() => reject(signal.reason), patience);
        };
        const settled = (settle) => (value) => {
            clearTimeout(timer);
            signal.removeEventListener("abort", giveUp);
            settle(value);
        };
        promise.then(settled(resolve), settled(reject));
        if (signal.aborted) {
            giveUp();
        } else {
            signal.addEventListener("abort", giveUp, { once: true });
        }
    });
}

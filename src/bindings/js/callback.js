// Waiting for what a host promised, no longer than the caller wants to.

/**
 * A promise of what anything comes to. Unlike `Promise.resolve` it never throws: what threw here would leave the module in
 * the middle of a call.
 *
 * @param {unknown} value
 * @returns {Promise<unknown>}
 */
export function settled(value) {
    return new Promise((resolve) => resolve(value));
}

/**
 * What an answer comes to, or the reason of the signal as soon as it is aborted.
 *
 * @param {unknown} answer
 * @param {AbortSignal | undefined} signal
 * @param {number} patience how many milliseconds to wait on after that
 * @returns {Promise<unknown>}
 */
export function unlessAborted(answer, signal, patience) {
    const promise = settled(answer);
    if (signal === undefined) {
        return promise;
    }
    return new Promise((resolve, reject) => {
        let timer;
        const giveUp = () => {
            timer = setTimeout(() => reject(signal.reason), patience);
        };
        const done = (settle) => (value) => {
            clearTimeout(timer);
            signal.removeEventListener("abort", giveUp);
            settle(value);
        };
        promise.then(done(resolve), done(reject));
        if (signal.aborted) {
            giveUp();
        } else {
            signal.addEventListener("abort", giveUp, { once: true });
        }
    });
}

// Pseudo-random numbers. A test that prints its seed can be repeated.

/**
 * Returns a generator of numbers from 0 (included) to 1 (excluded): mulberry32.
 *
 * @param {number} seed
 * @returns {() => number}
 */
export function random(seed) {
    let state = seed | 0;
    return () => {
        state = (state + 0x6d2b79f5) | 0;
        let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
        mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
        return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    };
}

// Assertions on errors.

import assert from "node:assert/strict";
import { inspect } from "node:util";

/**
 * Returns the value that the work throws or rejects with; fails if the work succeeds.
 *
 * @param {Promise<unknown> | (() => unknown)} work
 * @param {string} [label] names the case in the message of a failed assertion
 * @returns {Promise<any>}
 */
export async function errorOf(work, label = "") {
    let result;
    try {
        result = await (typeof work === "function" ? work() : work);
    } catch (thrown) {
        return thrown;
    }
    assert.fail(`${label}: no error, but ${inspect(result)}`);
}

/**
 * Returns the assertion for the errors of a package.
 *
 * @param {typeof import("nova-compute-utils").NovaError} NovaError
 */
export function novaErrorAssertion(NovaError) {
    /**
     * Asserts that an error is a `NovaError` with these members. A regular expression matches the member. An error has
     * a `callback` and a `cause` only if they are expected.
     *
     * @param {any} error
     * @param {{ code?: string | RegExp, message?: string | RegExp, callback?: string, cause?: unknown,
     *     arguments?: object }} expected
     * @param {string} [label] names the case in the message of a failed assertion
     */
    return function assertNovaError(error, expected, label = "") {
        const shown = `${label}: ${inspect(error)}`;
        assert.ok(error instanceof NovaError && error instanceof Error, `no NovaError: ${shown}`);
        assert.equal("cause" in error, "cause" in expected, `\`cause\`: ${shown}`);
        for (const [name, value] of Object.entries({ callback: undefined, ...expected })) {
            if (value instanceof RegExp) {
                assert.match(error[name], value, shown);
            } else if (name === "arguments") {
                assert.deepEqual(error.arguments, value, shown);
            } else {
                assert.ok(Object.is(error[name], value), `\`${name}\` is ${inspect(error[name])}: ${shown}`);
            }
        }
    };
}

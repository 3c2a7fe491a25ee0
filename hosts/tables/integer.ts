import type { Integer } from "nova-compute-utils";

import { hostError } from "./error.js";

const LARGEST = 2n ** 63n - 1n;

/**
 * A whole number of up to 64 bits: a `number` while that is exact, a `bigint` beyond. `ValueError` on anything else.
 */
export function readInteger(name: string, value: unknown): Integer {
    const integer = asBigInt(value);
    if (integer === undefined || integer > LARGEST || integer < -LARGEST - 1n) {
        throw hostError("ValueError", `\`${name}\` is \`${String(value)}\`: give a whole number of up to 64 bits`);
    }
    return narrow(integer);
}

/** The same, where there may be none. */
export function readOptionalInteger(name: string, value: unknown): Integer | null {
    return value === null || value === undefined ? null : readInteger(name, value);
}

/** The sum, which stops at the largest whole number that a column takes. */
export function add(one: Integer, other: Integer): Integer {
    const sum = BigInt(one) + BigInt(other);
    return narrow(sum > LARGEST ? LARGEST : sum);
}

function asBigInt(value: unknown): bigint | undefined {
    if (typeof value === "bigint") {
        return value;
    }
    // A larger `number` was rounded before it came here.
    return typeof value === "number" && Number.isSafeInteger(value) ? BigInt(value) : undefined;
}

function narrow(integer: bigint): Integer {
    const number = Number(integer);
    return Number.isSafeInteger(number) ? number : integer;
}

import type { Integer } from "nova-compute-utils";

import { hostError } from "./error.js";

const LARGEST = 2n ** 63n - 1n;

/** Returns the value if it is an integer of up to 64 bits; `ValueError` otherwise. */
export function readInteger(name: string, value: unknown): Integer {
    const integer = toBigInt(value);
    if (integer === undefined || integer > LARGEST || integer < -LARGEST - 1n) {
        throw hostError("ValueError", `\`${name}\` is \`${String(value)}\`: give a whole number of up to 64 bits`);
    }
    return toInteger(integer);
}

/** Returns the value as {@link readInteger} does, or null when it is null or absent. */
export function readOptionalInteger(name: string, value: unknown): Integer | null {
    return value === null || value === undefined ? null : readInteger(name, value);
}

/** Returns the sum, or the largest 64-bit integer when the sum exceeds it. */
export function addSaturating(one: Integer, other: Integer): Integer {
    const sum = BigInt(one) + BigInt(other);
    return toInteger(sum > LARGEST ? LARGEST : sum);
}

function toBigInt(value: unknown): bigint | undefined {
    if (typeof value === "bigint") {
        return value;
    }
    // A `number` beyond the safe range has been rounded, so its intended value is unknown.
    return typeof value === "number" && Number.isSafeInteger(value) ? BigInt(value) : undefined;
}

/** Returns a `number` where it is exact, and a `bigint` otherwise. */
export function toInteger(integer: bigint): Integer {
    const number = Number(integer);
    return Number.isSafeInteger(number) ? number : integer;
}

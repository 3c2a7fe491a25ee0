// Asking the worker from a view: the last answer stays on screen while the next is on its way, so nothing shifts.

import type { Problem } from "../worker/api.js";
import { problemOf } from "./client.js";

export interface Loaded<T> {
    /** The last answer; undefined before the first. */
    readonly value: T | undefined;
    readonly problem: Problem | null;
    /** Whether a question is open. */
    readonly loading: boolean;
    /** Asks again. */
    reload(): void;
}

/**
 * Calls `ask` now and whenever something that it reads changes, and keeps its last answer. `ask` returns null when there
 * is nothing to ask. Call it while a component is set up.
 */
export function load<T>(ask: () => Promise<T> | null): Loaded<T> {
    let value = $state.raw<T>();
    let problem = $state.raw<Problem | null>(null);
    let loading = $state(true);
    let again = $state(0);
    $effect(() => {
        void again;
        let isCurrent = true;
        const answer = ask();
        loading = answer !== null;
        answer?.then(
            (answered) => {
                if (isCurrent) {
                    [value, problem, loading] = [answered, null, false];
                }
            },
            (error: unknown) => {
                if (isCurrent) {
                    [problem, loading] = [problemOf(error), false];
                }
            },
        );
        return () => (isCurrent = false);
    });
    return {
        get value() {
            return value;
        },
        get problem() {
            return problem;
        },
        get loading() {
            return loading;
        },
        reload: () => (again += 1),
    };
}

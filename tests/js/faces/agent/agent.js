// The runner's agent in the JS face. It takes a request and returns its answer, both as JSON text, and passes the
// callbacks of the host to the runner while the call runs. It runs in Node and in Chromium.

import * as library from "nova-compute-utils";

import { parse, print } from "./exact.js";
import { Tables } from "./tables.js";

/** Answers requests, one after the other. */
export class Agent {
    #callback;
    #tables;

    /**
     * @param {(name: string, args: string) => Promise<string>} callback returns the reply of the runner's host:
     *     `{"answer": …}` or `{"error": {"code": …, "message": …, "arguments": …}}`
     * @param {ConstructorParameters<typeof Tables>[0]} open opens a conductor whose tables are empty
     */
    constructor(callback, open) {
        this.#callback = callback;
        this.#tables = new Tables(open);
    }

    /**
     * @param {string} request
     * @returns {Promise<string>} `{"value": …}`, `{"error": {"code": …, "message": …, "arguments": …}}`, or
     *     `{"broken": …}` for an error that is not the library's
     */
    async answer(request) {
        const parsed = parse(request);
        try {
            return print({ value: (await this.#run(parsed)) ?? null });
        } catch (error) {
            const isNova = error instanceof library.NovaError || parsed.tables !== undefined;
            if (isNova && typeof error.code === "string") {
                return print({ error });
            }
            return print({ broken: String(error?.stack ?? error) });
        }
    }

    #run(request) {
        if (request.tables !== undefined) {
            return this.#tables[request.tables](...request.args);
        }
        if (request.config === undefined) {
            return library[request.call](...request.args);
        }
        const nova = new library.ComputeUtils({ ...request.config, ...this.#host(request.clock) });
        return request.call === "reportEvent" ? report(nova, request) : nova[request.call](...request.args);
    }

    /** Returns a host whose callbacks the runner answers. Its clock advances after the instances were listed. */
    #host({ now, readings }) {
        let listed = false;
        const call = async (name, args) => {
            listed ||= name === "instanceGetActiveByWindow";
            const { answer, error } = parse(await this.#callback(name, print(args)));
            if (error !== undefined) {
                throw hostError(error);
            }
            return answer;
        };
        const conductor = new Proxy({}, { get: (_, name) => (...args) => call(name, args) });
        const notify = async (...args) => (await call("notify", args)).map((error) => error && hostError(error));
        const notifier = {
            notify,
            position: (context) => call("position", [context, null]),
            resumeAt: (context, position) => call("resumeAt", [context, position]),
        };
        const clock = () => {
            if (!listed || readings.length === 0) {
                return now;
            }
            return readings.length > 1 ? readings.shift() : readings[0];
        };
        return { conductor, notifier, clock };
    }
}

function hostError({ message, ...members }) {
    return Object.assign(new Error(message), members);
}

/** Reports work that fails or succeeds, and returns the outcome. */
async function report(nova, { args: [options], body }) {
    let bodyRan = false;
    let outcome;
    try {
        // Nova hides the failure of the work when an action is gone.
        const done = await nova.reportEvent({ ...options, swallowBodyError: true }, async () => {
            bodyRan = true;
            if (body !== null) {
                throw body;
            }
            return "done";
        });
        outcome = { raised: null, swallowed: done !== "done" };
    } catch (error) {
        outcome = { raised: error === body ? { code: body.class_name, message: body.text } : error, swallowed: false };
    }
    return { body_ran: bodyRan, ...outcome };
}

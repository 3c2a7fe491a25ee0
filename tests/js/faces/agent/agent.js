// The JS face as the runner of the vectors reaches it: a request in, its answer out, both JSON text, and the callbacks of
// the host in between. It runs in Node and in Chromium.

import * as library from "nova-compute-utils";

import { parse, print } from "./exact.js";
import { Tables } from "./tables.js";

/** Answers requests, one after the other. */
export class Agent {
    #callback;
    #tables;

    /**
     * @param {(name: string, args: string) => Promise<string>} callback what the runner's host answers: `{"answer": …}`
     *     or `{"error": {"code": …, "message": …}}`
     * @param {ConstructorParameters<typeof Tables>[0]} open a conductor whose tables are empty
     */
    constructor(callback, open) {
        this.#callback = callback;
        this.#tables = new Tables(open);
    }

    /**
     * @param {string} request
     * @returns {Promise<string>} `{"value": …}`, `{"error": {"code": …, "message": …}}`, or `{"broken": …}` for whatever is
     *     no error of the library's
     */
    async answer(request) {
        const asked = parse(request);
        try {
            return print({ value: (await this.#do(asked)) ?? null });
        } catch (error) {
            const isNova = error instanceof library.NovaError || asked.tables !== undefined;
            if (isNova && typeof error.code === "string") {
                return print({ error: { code: error.code, message: error.message } });
            }
            return print({ broken: String(error?.stack ?? error) });
        }
    }

    #do(asked) {
        if (asked.tables !== undefined) {
            return this.#tables[asked.tables](...asked.args);
        }
        if (asked.config === undefined) {
            return library[asked.call](...asked.args);
        }
        const nova = new library.ComputeUtils({ ...asked.config, ...this.#host(asked.clock) });
        return asked.call === "reportEvent" ? report(nova, asked) : nova[asked.call](...asked.args);
    }

    /** A host of which the runner writes down what it was asked. Its clock moves once the instances were asked for. */
    #host({ now, readings }) {
        let listed = false;
        const ask = async (name, args) => {
            listed ||= name === "instanceGetActiveByWindow";
            const { answer, error } = parse(await this.#callback(name, print(args)));
            if (error !== undefined) {
                throw thrown(error);
            }
            return answer;
        };
        const conductor = new Proxy({}, { get: (_, name) => (...args) => ask(name, args) });
        const notify = async (...args) => (await ask("notify", args)).map((error) => error && thrown(error));
        const clock = () => {
            if (!listed || readings.length === 0) {
                return now;
            }
            return readings.length > 1 ? readings.shift() : readings[0];
        };
        return { conductor, notifier: { notify }, clock };
    }
}

function thrown({ code, message }) {
    return Object.assign(new Error(message), { code });
}

/** Work that fails, or does not, and what becomes of it. */
async function report(nova, { args: [options], body }) {
    let bodyRan = false;
    let outcome;
    try {
        const done = await nova.reportEvent(options, async () => {
            bodyRan = true;
            if (body !== null) {
                throw body;
            }
            return "done";
        });
        outcome = { raised: null, swallowed: done !== "done" };
    } catch (error) {
        const raised = error === body ? { code: body.class_name, message: body.text } : error;
        outcome = { raised: { code: raised.code, message: raised.message }, swallowed: false };
    }
    return { body_ran: bodyRan, ...outcome };
}

// What the declarations of the package declare, so that no test has to list it by hand.

/**
 * @typedef {{ name: string, type: string, optional: boolean }} Member
 * @typedef {{ name: string, parameters: Member[], result: string }} Signature
 */

/**
 * Read declarations as the generator writes them: a member per line.
 *
 * @param {string} text
 * @returns {{ interfaces: Map<string, Member[]>, functions: Signature[], methods: Signature[] }} `methods`: those of
 *     `ComputeUtils`, its constructor included
 */
export function read(text) {
    const code = text.replace(/\/\*\*[^]*?\*\//g, "");
    const interfaces = new Map();
    for (const [, name, body] of code.matchAll(/^export interface (\w+) \{\n([^]*?)^\}/gm)) {
        const lines = body.split("\n").map((line) => line.trim().replace(/;$/, ""));
        interfaces.set(name, lines.filter((line) => /^\w+\??:/.test(line)).map(member));
    }
    const signature = ([, name, parameters, result]) => ({ name, parameters: split(parameters).map(member), result });
    const functions = [...code.matchAll(/^export function (\w+)\((.*)\): (.*);$/gm)].map(signature);
    const [, body = ""] = /^export class ComputeUtils \{\n([^]*?)^\}/m.exec(code) ?? [];
    const methods = [...body.matchAll(/^ {4}(\w+)\((.*?)\)(?:: (.*))?;$/gm)].map(signature);
    // Written by hand, for its type parameter.
    const [, options, work] = /reportEvent<T>\((.*?), (.*)\): Promise<Awaited<T>>;/.exec(code) ?? [];
    methods.push({ name: "reportEvent", parameters: [member(options), member(work)], result: "Promise<Awaited<T>>" });
    return { interfaces, functions, methods: methods.filter(({ name }) => name !== "free") };
}

/** @param {string} declaration */
function member(declaration) {
    const [, name, mark, type] = /^(\w+)(\??): (.*)$/.exec(declaration) ?? [];
    return { name, type, optional: mark === "?" };
}

/** @param {string} parameters */
function split(parameters) {
    return parameters === "" ? [] : parameters.split(", ");
}

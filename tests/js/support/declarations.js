// Reads the declarations of the package, so that the tests list no function or option by hand.

/**
 * @typedef {{ name: string, type: string, optional: boolean }} Member
 * @typedef {{ name: string, parameters: Member[], result: string }} Signature
 */

/**
 * Parses generated declarations, which have one member per line.
 *
 * @param {string} text
 * @returns {{ interfaces: Map<string, Member[]>, functions: Signature[], methods: Signature[],
 *     callbacks: Map<string, Member[]> }} `methods`: of `ComputeUtils`, with its constructor; `callbacks`: the
 *     parameters of the methods of the conductor and of the notifier
 */
export function readDeclarations(text) {
    const code = text.replace(/\/\*\*[^]*?\*\//g, "");
    const interfaces = new Map();
    const callbacks = new Map();
    for (const [, name, body] of code.matchAll(/^export interface (\w+) \{\n([^]*?)^\}/gm)) {
        const lines = body.split("\n").map((line) => line.trim().replace(/;$/, ""));
        interfaces.set(name, lines.filter((line) => /^\w+\??:/.test(line)).map(member));
        for (const [, callback, list] of body.matchAll(/^ {4}(\w+)\??\(([^)]*)\): Awaitable/gm)) {
            callbacks.set(callback, parameters(list));
        }
    }
    const signature = ([, name, list, result]) => ({ name, parameters: parameters(list), result });
    const functions = [...code.matchAll(/^export function (\w+)\((.*)\): (.*);$/gm)].map(signature);
    const [, body = ""] = /^export class ComputeUtils \{\n([^]*?)^\}/m.exec(code) ?? [];
    const methods = [...body.matchAll(/^ {4}(\w+)\((.*?)\)(?:: (.*))?;$/gm)].map(signature);
    // This method has a type parameter, so its declaration is written by hand, in an interface.
    const [, list] = /reportEvent<T>\((.*)\): Promise<Awaited<T>>;/.exec(code) ?? [];
    methods.push({ name: "reportEvent", parameters: parameters(list), result: "Promise<Awaited<T>>" });
    return { interfaces, functions, methods: methods.filter(({ name }) => name !== "free"), callbacks };
}

/** @param {string} declaration */
function member(declaration) {
    const [, name, mark, type] = /^(\w+)(\??): (.*)$/.exec(declaration) ?? [];
    return { name, type, optional: mark === "?" };
}

/** @param {string} list */
function parameters(list) {
    const declarations = list.replace(/\s+/g, " ").trim().replace(/,$/, "");
    return declarations === "" ? [] : declarations.split(/, (?=\w+\??: )/).map(member);
}

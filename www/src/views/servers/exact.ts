// The text of each field of a payload, exactly as it is sent: numbers keep their form.

export interface Field {
    /** Such as `flavor.memory_mb` or `ip_addresses[0].address`; without the members of Nova's envelope. */
    path: string;
    /** The JSON text of the value. */
    text: string;
}

export interface Fields {
    fields: Field[];
    /** The members of the envelope: `nova_object.name` and the like, by path. */
    envelope: Field[];
    /** The name and version of a versioned payload, such as `InstanceExistsPayload 2.1`; otherwise null. */
    name: string | null;
}

type Node = { text: string; members: [string, Node][] | null; elements: Node[] | null };

/** Reads JSON and keeps the text of every value. The text is valid: the library wrote it. */
function parse(text: string): Node {
    let at = 0;
    const space = () => {
        while (/\s/.test(text[at] ?? "")) {
            at += 1;
        }
    };
    const string = () => {
        const start = at;
        for (at += 1; text[at] !== '"' && at < text.length; at += 1) {
            at += text[at] === "\\" ? 1 : 0;
        }
        at += 1;
        return text.slice(start, at);
    };
    const list = <T>(close: string, one: () => T): T[] => {
        const all: T[] = [];
        at += 1;
        space();
        while (text[at] !== close && at < text.length) {
            all.push(one());
            space();
            if (text[at] === ",") {
                at += 1;
                space();
            }
        }
        at += 1;
        return all;
    };
    const value = (): Node => {
        space();
        const start = at;
        let members: Node["members"] = null;
        let elements: Node["elements"] = null;
        if (text[at] === "{") {
            members = list("}", () => {
                const name = JSON.parse(string()) as string;
                space();
                at += 1;
                return [name, value()];
            });
        } else if (text[at] === "[") {
            elements = list("]", value);
        } else if (text[at] === '"') {
            string();
        } else {
            while (at < text.length && !/[\s,\]}]/.test(text[at] ?? "")) {
                at += 1;
            }
        }
        return { text: text.slice(start, at), members, elements };
    };
    return value();
}

const PREFIX = "nova_object.";

/** Lists the fields of a payload, and apart from them those of its envelope. */
export function fieldsOf(text: string): Fields {
    const found: Fields = { fields: [], envelope: [], name: null };
    const walk = (node: Node, path: string): void => {
        const data = node.members?.find(([name]) => name === `${PREFIX}data`)?.[1];
        if (data !== undefined) {
            const own = node.members?.filter(([name]) => name !== `${PREFIX}data`) ?? [];
            own.forEach(([name, member]) => found.envelope.push({ path: path === "" ? name : `${path}.${name}`, text: member.text }));
            if (path === "") {
                const words = ["name", "version"].map((word) => own.find(([name]) => name === PREFIX + word)?.[1].text ?? "");
                found.name = words.map((word) => word.replaceAll('"', "")).join(" ");
            }
            data.members?.forEach(([name, member]) => walk(member, path === "" ? name : `${path}.${name}`));
            return;
        }
        const isObjects = node.elements?.some(({ members }) => members?.some(([name]) => name === `${PREFIX}data`)) === true;
        if (isObjects) {
            node.elements?.forEach((element, place) => walk(element, `${path}[${place}]`));
        } else if (path === "") {
            node.members?.forEach(([name, member]) => walk(member, name));
        } else {
            found.fields.push({ path, text: node.text });
        }
    };
    walk(parse(text), "");
    return found;
}

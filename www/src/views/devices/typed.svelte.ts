// A text field whose text is in the address. The field follows the keys at once; the address follows the field.

import { address } from "../../lib/address.svelte.js";

export interface Typed {
    text: string;
}

/** Call it while a component is set up. `also` lists the parameters that a change of the text removes. */
export function typed(name: string, also: readonly string[] = []): Typed {
    let text = $state(address.text(name));
    let written = address.text(name);
    $effect(() => {
        const found = address.text(name);
        // Back, a link, or another tab's address: not the echo of the field.
        if (found !== written) {
            [written, text] = [found, found];
        }
    });
    return {
        get text() {
            return text;
        },
        set text(value) {
            [written, text] = [value, value];
            const removed = Object.fromEntries(also.map((other) => [other, null]));
            address.set({ [name]: value, ...removed }, { replace: true });
        },
    };
}

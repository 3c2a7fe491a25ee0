// The keys of the whole page.

import { tinykeys } from "tinykeys";

import { address } from "./address.svelte.js";
import { dialogs, VIEWS } from "./commands.svelte.js";
import { currentBack, currentRows, currentStepper } from "./rows.svelte.js";

/** Whether a key belongs to a field or a dialog. */
function isTyping(event: KeyboardEvent): boolean {
    const target = event.target instanceof Element ? event.target : null;
    return target?.closest("input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable], [role=dialog]") != null;
}

/** Binds the keys and returns what unbinds them. */
export function bindKeys(): () => void {
    const idle = (work: (event: KeyboardEvent) => void) => (event: KeyboardEvent) => {
        if (!isTyping(event)) {
            work(event);
        }
    };
    const press = (work: () => void) =>
        idle((event) => {
            event.preventDefault();
            work();
        });
    // Each sequence has a listener of its own: one that fires leaves the others of its listener half matched.
    const unbind = VIEWS.map(({ key, path }) => tinykeys(window, { [`g ${key}`]: press(() => address.go(address.href(path))) }));
    const unbindSingle = tinykeys(
        window,
        {
            "$mod+k": (event) => {
                event.preventDefault();
                dialogs.palette = true;
            },
            "/": press(() => {
                // The search of the view, or that of the whole cell.
                const field = document.querySelector<HTMLInputElement>("[data-search]");
                if (field === null) {
                    dialogs.palette = true;
                } else {
                    field.focus();
                    field.select();
                }
            }),
            "Shift+?": press(() => (dialogs.keys = true)),
            "?": press(() => (dialogs.keys = true)),
            j: press(() => currentRows()?.move(1)),
            k: press(() => currentRows()?.move(-1)),
            "[": press(() => currentStepper()?.step(-1)),
            "]": press(() => currentStepper()?.step(1)),
            Enter: idle((event) => {
                // A button or link does its own work.
                if (event.target === document.body) {
                    currentRows()?.open();
                }
            }),
            Escape: (event) => {
                const target = event.target instanceof HTMLElement ? event.target : null;
                if (target?.closest("[role=dialog]") != null || event.defaultPrevented) {
                    return;
                }
                if (isTyping(event)) {
                    target?.blur();
                } else {
                    currentBack()?.();
                }
            },
        },
        { ignore: () => false },
    );
    return () => [...unbind, unbindSingle].forEach((one) => one());
}

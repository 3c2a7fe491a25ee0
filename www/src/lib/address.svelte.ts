// All state of the page is in the address: `#/<view>?cell=…&release=…&<the view's own>`. This file reads and writes it.
//
// Common parameters, kept from view to view: `cell`, `release`, `zone` (`local`; absent: UTC).
// Windows: `period`, `from`, `to`, `host` and `window` (the selected cell), `corner` and `also` (more selected cells),
// `only` (states, comma-separated).
// Servers: `q`, `host`, `project_id`, `flavor`, `vm_state` (repeated for several values), `active` (`from/to`), `sort`
// (`-` before it: descending), `at` (the row under the keys). A server is `#/servers/<uuid>/<tab>`.
// Payload: `left`, `right`, `window`, `changed`, `envelope`, `field` (the selected one), `exact` (the bytes are open).
// Actions: `open` (the event whose details are open), `at`, `all`.
// Devices: `device` (the wish), `max`, `driver`; without a server `root`, `names` and `server`, which describe one.
// Data: `open` (the cell), `unread` (the import whose unreadable lines are shown).

import { router } from "svelte-spa-router";

import type { Release } from "../worker/api.js";

const COMMON = ["cell", "release", "zone"] as const;

/** A change of parameters: null and the empty string remove one, a list repeats it. */
export type Changes = Record<string, string | readonly string[] | null>;

class Address {
    readonly #params = $derived(new URLSearchParams(router.querystring ?? ""));

    /** The path, such as `/servers`. */
    get path(): string {
        return router.location;
    }

    /** The name of the view: the first part of the path. */
    get view(): string {
        return router.location.split("/")[1] ?? "";
    }

    /** The cell that the address names; null when it names none. */
    get cell(): string | null {
        return this.text("cell") || null;
    }

    get release(): Release | null {
        const release = this.text("release");
        return release === "grizzly" || release === "hibiscus" ? release : null;
    }

    get local(): boolean {
        return this.text("zone") === "local";
    }

    text(name: string, fallback = ""): string {
        return this.#params.get(name) ?? fallback;
    }

    list(name: string): string[] {
        return this.#params.getAll(name);
    }

    /** The address of another view with the common parameters, or of this one when the path is the same. */
    href(path: string, changes: Changes = {}): string {
        const kept = new URLSearchParams();
        for (const name of COMMON) {
            const value = this.#params.get(name);
            if (value !== null) {
                kept.set(name, value);
            }
        }
        return `#${path}${query(kept, changes)}`;
    }

    /** The address of this view with some parameters changed. */
    here(changes: Changes): string {
        return `#${this.path}${query(new URLSearchParams(this.#params), changes)}`;
    }

    /**
     * Goes to the address of `href` or `here` at once. `replace` makes no step in the history, as for each letter of a
     * search.
     */
    go(href: string, options: { replace?: boolean } = {}): void {
        if (href === location.hash) {
            return;
        }
        if (options.replace === true) {
            history.replaceState(history.state, "", href);
        } else {
            history.pushState(null, "", href);
        }
        // The router listens to this event, which the browser sends only for links.
        dispatchEvent(new HashChangeEvent("hashchange"));
    }

    /** Changes parameters of this view. */
    set(changes: Changes, options: { replace?: boolean } = {}): void {
        this.go(this.here(changes), options);
    }
}

function query(params: URLSearchParams, changes: Changes): string {
    for (const [name, value] of Object.entries(changes)) {
        params.delete(name);
        for (const one of typeof value === "string" ? [value] : (value ?? [])) {
            if (one !== "") {
                params.append(name, one);
            }
        }
    }
    // Readable in the address bar: only what would end the value is escaped.
    const text = [...params].map(([name, value]) => `${name}=${escape(value)}`).join("&");
    return text === "" ? "" : `?${text}`;
}

function escape(value: string): string {
    return encodeURIComponent(value).replace(/%(?:3A|2F|40|2C)/gi, decodeURIComponent).replaceAll("%20", "+");
}

export const address = new Address();
